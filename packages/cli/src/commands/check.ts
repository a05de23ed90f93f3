import { type Level, type Readiness, type Verdict, levels } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { type ModelReference, referenceText } from '../handover/model-reference.ts';
import { resolveVersion } from '../handover/resolve-version.ts';
import { exitCodes } from '../exit-code.ts';
import type { Missing } from '../inspection/look.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { counted } from '../output/signature-text.ts';
import { safeText } from '../output/text-width.ts';
import { type FileFlags, checkFile } from '../readiness/check-file.ts';
import { type CheckSubject, readCheckSubject } from '../readiness/read-check-subject.ts';
import { asData, askedText, checksWithin, countsText, showChecks } from '../readiness/show-verdict.ts';
import { showStanding } from '../readiness/standing-text.ts';
import { readCount } from '../units/count.ts';
import { UsageError } from '../usage-error.ts';

export interface CheckFlags extends FileFlags {
  readonly level?: Level;
  readonly number?: string;
}

/**
 * Says what of the rubric an endpoint, a version or a file meets, and how to close each gap. The exit code is 0 where the
 * level holds: that of the environment, or the one that is asked for. Of a file or a version, what only a deployment shows
 * does not count.
 */
export async function check(invocation: Invocation, what: string, flags: CheckFlags): Promise<number> {
  const subject = readCheckSubject(what);
  refuseForeignFlags(subject, flags);
  switch (subject.kind) {
    case 'file': {
      const level = flags.level ?? 'bronze';
      const { verdict, missing } = await checkFile(invocation, subject.path, flags, level);
      return showBeforeDeployed(invocation, verdict, level, { missing, file: subject.path });
    }
    case 'version':
      return await checkVersion(invocation, subject.reference, flags.level);
    case 'endpoint':
      return await checkEndpoint(invocation, subject.name, flags);
  }
}

async function checkEndpoint(invocation: Invocation, name: string, flags: CheckFlags): Promise<number> {
  const query = flags.number === undefined ? {} : { version: readCount('--number', flags.number, 1) };
  const client = await invocation.client();
  const readiness = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointReadiness', { params: { endpoint: name }, query }),
  );
  const { verdict } = readiness;
  const level = flags.level ?? verdict.level;
  const results = checksWithin(verdict, level);
  const holds = flags.level === undefined ? verdict.holds : results.every((result) => result.holds);
  const code = holds ? exitCodes.ok : exitCodes.failure;
  if (!isTable(invocation, readiness, results)) return code;
  const { terminal } = invocation;
  showStanding(invocation, asData(invocation), readiness);
  terminal.print('');
  showChecks(invocation, asData(invocation), results);
  terminal.print(`\n${askedText(verdict)}`);
  terminal.print(countsText(invocation, verdict, level));
  if (verdict.holds && readiness.standing.state === 'none')
    nextCommands(terminal, [['Ask for production', `${commandName(invocation)} submit ${name}`]]);
  // What is missing before production is asked for, apart from the review that follows.
  else if (verdict.checks.every(({ id, required, holds: one }) => !required || one || id === 'R19') && !verdict.holds)
    nextCommands(terminal, [['Ask for the review', `${commandName(invocation)} submit ${name}`]]);
  return code;
}

async function checkVersion(invocation: Invocation, reference: ModelReference, asked?: Level): Promise<number> {
  const client = await invocation.client();
  const { model } = reference;
  const readiness = await withNearest(client, 'model', model, async () => {
    const version = await resolveVersion(client, reference);
    return await client.call('versionReadiness', { params: { model, version } });
  });
  invocation.terminal.note(`${referenceText(reference)}, before it is deployed`);
  return showBeforeDeployed(invocation, readiness.verdict, asked ?? 'bronze', { readiness });
}

function showBeforeDeployed(
  invocation: Invocation,
  verdict: Verdict,
  level: Level,
  more: { readonly readiness?: Readiness; readonly missing?: readonly Missing[]; readonly file?: string },
): number {
  const { readiness, missing = [], file } = more;
  const { terminal } = invocation;
  const results = checksWithin(verdict, level);
  const later = results.filter(({ holds, outcome }) => !holds && outcome.state === 'unknown');
  const isFit = missing.length === 0 && results.every((result) => result.holds || later.includes(result));
  const code = isFit ? exitCodes.ok : exitCodes.failure;
  if (!isTable(invocation, readiness ?? { path: file, missing, verdict }, results)) return code;
  for (const one of missing) {
    terminal.print(
      `${terminal.paint.red(terminal.symbols.failed)} missing: ${safeText(one.what)}: ${safeText(one.why)}`,
    );
    terminal.print(`${' '.repeat(8)}${terminal.symbols.arrow} ${safeText(one.remedy)}`);
  }
  showChecks(invocation, asData(invocation), results, file);
  const rest = later.length === 0 ? '' : `; ${counted(later.length, 'check')} can be known once it is deployed`;
  terminal.print(`\n${countsText(invocation, verdict, level)}${rest}`);
  return code;
}

/** Prints JSON or names where those are asked for. */
function isTable(
  { terminal, flags }: Invocation,
  document: unknown,
  results: readonly { readonly id: string; readonly holds: boolean }[],
): boolean {
  if (flags.json === true) {
    terminal.print(JSON.stringify(document));
  } else if (flags.output === 'name') {
    for (const { id, holds } of results) if (!holds) terminal.print(id);
  }
  return flags.json !== true && flags.output !== 'name';
}

function refuseForeignFlags({ kind }: CheckSubject, flags: CheckFlags): void {
  if (flags.level !== undefined && !levels.includes(flags.level))
    throw new UsageError(`\`${flags.level}\` is no level`, `Write one of ${levels.join(', ')}.`, '--level');
  if (kind !== 'file') {
    const foreign = (['name', 'sample', 'signature', 'requirements', 'python'] as const).find(
      (flag) => flags[flag] !== undefined,
    );
    if (foreign !== undefined)
      throw new UsageError(
        `--${foreign} belongs to a file, and this is ${kind === 'version' ? 'a version' : 'an endpoint'}`,
        'Leave it out, or write the path of a file or a folder, such as ./model.',
        `--${foreign}`,
      );
  }
  if (kind !== 'endpoint' && flags.number !== undefined)
    throw new UsageError('--number is that of a version under an endpoint', 'Leave it out.', '--number');
}
