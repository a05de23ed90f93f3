import type { Client } from '@muster-ml/client';
import { type Evidence, MusterError } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { UsageError } from '../usage-error.ts';

export interface EvidenceAttestFlags {
  readonly statement: string;
  readonly failed?: boolean;
  readonly figure?: readonly string[];
}

type Figures = Evidence['figures'];

/** Says that a check of an endpoint holds, or does not, and signs for it. */
export async function evidenceAttest(
  invocation: Invocation,
  endpoint: string,
  given: string,
  flags: EvidenceAttestFlags,
): Promise<void> {
  const { terminal } = invocation;
  const check = given.toUpperCase();
  const figures = Object.fromEntries((flags.figure ?? []).map(readFigure));
  const client = await invocation.client();
  const evidence = await withNearest(client, 'endpoint', endpoint, async () => {
    const body = {
      check,
      passed: flags.failed !== true,
      statement: flags.statement,
      figures: { ...(check === 'R29' ? await runbookOf(invocation, client, endpoint) : {}), ...figures },
    };
    return await client.call('evidenceAttest', { params: { endpoint }, body });
  });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(evidence));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} you signed that ${check} of ${endpoint} ${evidence.passed ? 'holds' : 'does not hold'}`,
  );
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['See it', `${muster} check ${endpoint}`],
    ['Prove it', `${muster} audit prove ${evidence.entry}`],
  ]);
}

/** The page that was read: what was signed counts while the endpoint names the same. */
async function runbookOf(invocation: Invocation, client: Client, endpoint: string): Promise<Figures> {
  const { runbook } = await client.call('endpointGet', { params: { endpoint } });
  if (runbook !== null) return { runbook };
  throw new MusterError('check_not_attested', `${endpoint} names no runbook that could have been read`, {
    remedy: `Name it first: ${commandName(invocation)} endpoint update ${endpoint} --runbook URL`,
  });
}

function readFigure(text: string): readonly [name: string, value: number | string | boolean] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UsageError(`\`${text}\` is no figure`, 'Write name=value, such as p95Ms=180.', '--figure');
  const value = text.slice(at + 1);
  return [text.slice(0, at), valueOf(value)];
}

function valueOf(text: string): number | string | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
