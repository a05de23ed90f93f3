import { randomUUID } from 'node:crypto';
import type { DrillKind, Operation } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { exitCodes } from '../exit-code.ts';
import { followOperation } from '../handover/follow-operation.ts';
import type { Invocation } from '../invocation.ts';
import { nextCommands } from '../output/next-commands.ts';
import { tableOptions } from '../output/show-list.ts';
import { renderTable } from '../output/table.ts';
import { safeText } from '../output/text-width.ts';
import { type DrillFlags, readDrillSettings } from './drill-settings.ts';

export type { DrillFlags } from './drill-settings.ts';

/** What a drill found, as its operation says it. */
interface Found {
  readonly passed: boolean;
  readonly summary: string;
  readonly model: string;
  readonly version: number;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
  readonly evidence: string;
}

/** Does a drill, waits for it and prints what it found. The answer is the exit code: 1 where the endpoint did not hold. */
export async function drillStart(
  invocation: Invocation,
  kind: DrillKind,
  endpoint: string,
  flags: DrillFlags,
): Promise<number> {
  const { terminal } = invocation;
  const body = { kind, ...readDrillSettings(flags) };
  const client = await invocation.client();
  const operation = await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await client.call('drillStart', { params: { endpoint }, body, idempotencyKey: randomUUID() }),
  );
  const ended = await followOperation(invocation, client, operation, (done) => {
    const { passed, summary } = foundIn(done);
    return `${passed ? 'passed' : 'did not hold'}: ${safeText(summary)}`;
  });
  const found = foundIn(ended);
  if (invocation.flags.json === true) terminal.print(JSON.stringify(ended.result));
  else {
    terminal.print(renderTable(figuresOf(found), columns, tableOptions(invocation)));
    nextCommands(terminal, [['See what else it takes', `muster check ${endpoint}`]]);
  }
  return found.passed ? exitCodes.ok : exitCodes.failure;
}

type Figure = readonly [name: string, value: string];

const columns = [
  { title: 'FIGURE', value: ([name]: Figure) => name },
  { title: 'VALUE', value: ([, value]: Figure) => value, align: 'right' as const },
];

function figuresOf({ model, version, figures }: Found): readonly Figure[] {
  return [
    ['version', `${model}:${version}`],
    ...Object.entries(figures).map(([name, value]): Figure => figureText(name, value)),
  ];
}

/** `p95Ms` as `p95` and `12 ms`: the unit is told by the end of the name. */
function figureText(name: string, value: number | string | boolean): Figure {
  const [, bare = name, unit] = /^(.+?)(Ms|Percent)$/.exec(name) ?? [];
  const words = bare.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
  const shown = typeof value === 'number' ? value.toLocaleString('en-GB') : String(value);
  const suffix = unit === 'Ms' ? ' ms' : unit === 'Percent' ? ' %' : '';
  return [words, `${shown}${suffix}`];
}

function foundIn({ result }: Operation): Found {
  return result as unknown as Found;
}
