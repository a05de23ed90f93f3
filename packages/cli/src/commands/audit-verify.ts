import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Client } from '@muster-ml/client';
import {
  type LedgerVerification,
  MusterError,
  type Operation,
  type VerifyLedger,
  fromProblem,
  noteLimits,
  verificationReportSchema,
} from '@muster-ml/protocol';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { errorJson, errorText, shownError } from '../output/error-text.ts';
import { nextCommands } from '../output/next-commands.ts';
import { beginStep } from '../output/progress.ts';
import { safeText } from '../output/text-width.ts';
import { UsageError } from '../usage-error.ts';

export interface AuditVerifyFlags {
  readonly against?: readonly string[];
}

/** Of this command alone: a script must never take "could not look" for "nothing found", or for tampering. */
const exitCodeOf: Readonly<Record<LedgerVerification['outcome'], number>> = {
  ok: 0,
  tampered: 1,
  unanchored: 2,
  unreadable: 3,
};

/** Has the server check its whole ledger, also against notes that were kept elsewhere. Answers the exit code. */
export async function auditVerify(invocation: Invocation, flags: AuditVerifyFlags): Promise<number> {
  const { terminal } = invocation;
  try {
    const notes = await readNotes(invocation, flags.against ?? []);
    const client = await invocation.client();
    const operation = await client.call('auditVerify', { body: { notes }, idempotencyKey: randomUUID() });
    const report = await follow(invocation, client, operation);
    if (invocation.flags.json === true) terminal.print(JSON.stringify(report));
    else show(invocation, report);
    return exitCodeOf[report.outcome];
  } catch (error) {
    if (error instanceof UsageError || error instanceof Interrupted || invocation.surroundings.interruption.aborted)
      throw error;
    const shown = shownError(error);
    terminal.warn(invocation.flags.json === true ? errorJson(shown) : errorText(shown, terminal));
    return exitCodeOf.unreadable;
  }
}

/** The notes of files that `muster audit checkpoint` or a sink wrote, at most as many as one verification takes. */
async function readNotes({ terminal }: Invocation, files: readonly string[]): Promise<VerifyLedger['notes']> {
  const most = Math.floor(noteLimits.notes / Math.max(1, files.length));
  if (most === 0)
    throw new UsageError(`${files.length} files are too many`, `Give at most ${noteLimits.notes}.`, place);
  const read = await Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        const why = error instanceof Error && 'code' in error ? String(error.code) : 'it cannot be read';
        throw new UsageError(`${file} cannot be read: ${why}`, 'Name a file with signed notes.', place);
      });
      const notes = notesIn(text);
      if (notes.length === 0 || notes.some(({ length }) => length > noteLimits.bytesEach))
        throw new UsageError(`${file} holds no signed note`, 'Name one that muster audit checkpoint wrote.', place);
      if (notes.length > most)
        terminal.note(`${file} holds ${notes.length} notes: the last ${most} are sent, which cover what all do.`);
      return notes.slice(-most).map((note) => ({ source: basename(file).slice(0, 200), note }));
    }),
  );
  return read.flat();
}

const place = '--against';

/** Signed notes in a text, in their order: lines, an empty line, lines of signatures. What else is there is left out. */
export function notesIn(text: string): string[] {
  const parts = text.replaceAll('\r\n', '\n').split(/\n\n+/);
  return parts.flatMap((part, at) => {
    const before = parts[at - 1]?.trimStart();
    return part.startsWith('\u2014 ') && before !== undefined ? [`${before}\n\n${part.trimEnd()}\n`] : [];
  });
}

async function follow(invocation: Invocation, client: Client, operation: Operation): Promise<LedgerVerification> {
  const { terminal, surroundings } = invocation;
  const step = beginStep(terminal, safeText(operation.progress));
  try {
    const ended = await client.follow(operation, {
      onChange: ({ progress }) => step.update(withBar(safeText(progress), terminal.symbols.ellipsis === '…')),
      signal: surroundings.interruption,
    });
    if (ended.problem !== null) throw fromProblem(ended.problem);
    if (ended.state !== 'succeeded')
      throw new MusterError('operation_cancelled', `operation ${ended.id} was cancelled`);
    return verificationReportSchema.parse(ended.result);
  } catch (error) {
    if (surroundings.interruption.aborted)
      throw new Interrupted(`It goes on in the server: muster operation show ${operation.id}`);
    throw error;
  } finally {
    step.drop();
  }
}

const barWidth = 20;

/** `checked 5 of 10 entries` with a bar in front of it. */
export function withBar(progress: string, hasUnicode: boolean): string {
  const [, done = '', of = ''] = /([\d,]+) of ([\d,]+)/.exec(progress) ?? [];
  const share = Number(done.replaceAll(',', '')) / Number(of.replaceAll(',', ''));
  if (!Number.isFinite(share)) return progress;
  const filled = Math.round(Math.min(1, share) * barWidth);
  const [full, empty] = hasUnicode ? ['█', '░'] : ['#', '-'];
  return `${full.repeat(filled)}${empty.repeat(barWidth - filled)} ${progress}`;
}

function show(invocation: Invocation, report: LedgerVerification): void {
  const { terminal } = invocation;
  const { outcome, size, anchored, firstBad, findings, outside } = report;
  const { green, red, yellow } = terminal.paint;
  const { done, failed, warning } = terminal.symbols;
  const count = (entries: number): string => entries.toLocaleString('en-GB');
  const uncovered = anchored === 0 ? 'none is covered' : `the last ${count(size - anchored)} are not covered`;
  terminal.print(
    {
      ok: `${green(done)} ok: ${count(size)} entries, as they were written`,
      tampered: `${red(failed)} tampered: the first bad entry is ${firstBad ?? 'not known'}`,
      unanchored: `${yellow(warning)} unanchored: ${count(size)} entries agree among themselves, but ${uncovered} from outside`,
      unreadable: `${red(failed)} unreadable: the ledger could not be checked`,
    }[outcome],
  );
  terminal.print(`  ${count(anchored)} of ${count(size)} entries are anchored: notes kept outside cover them`);
  for (const finding of findings) terminal.print(`  ${terminal.symbols.dot} ${safeText(finding)}`);
  for (const { source, size: covered } of outside)
    terminal.print(`  checked against ${safeText(source)}: ${count(covered)} entries`);
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ...(firstBad === null ? [] : [['See it', `${muster} audit show ${firstBad}`] as const]),
    ...(outcome === 'unanchored' ? [['Anchor it', `${muster} audit checkpoint`] as const] : []),
  ]);
}
