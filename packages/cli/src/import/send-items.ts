import type { CallOptions, Client } from '@muster-ml/client';
import type { ImportResult } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { tableOptions } from '../output/show-list.ts';
import { type Column, renderTable } from '../output/table.ts';
import { safeText } from '../output/text-width.ts';
import { exitCodes } from '../exit-code.ts';
import type { ImportItem, Skipped } from './import-item.ts';

type Source = NonNullable<CallOptions<'observedImport'>['body']>['source'];

export interface ImportFlags {
  readonly dryRun?: boolean;
  readonly team?: string;
  readonly owner?: string;
}

export type Imported = ImportResult['items'][number] & { readonly place: string };

const mostItems = 1000;
/** Half of what a request may have. */
const mostBytes = 4 * 1024 * 1024;

/** Sends what was read, in parts, and shows what became of each. Answers the exit code: 1 where any was refused. */
export async function sendItems(
  invocation: Invocation,
  source: Source,
  read: { readonly items: readonly ImportItem[]; readonly skipped?: readonly Skipped[]; readonly others?: number },
  { dryRun = false }: ImportFlags,
): Promise<number> {
  const { terminal, flags } = invocation;
  const { skipped = [], others = 0 } = read;
  const imported = read.items.length === 0 ? [] : await send(await invocation.client(), source, read.items, dryRun);
  if (flags.json === true) terminal.print(JSON.stringify({ items: imported, skipped, others, dryRun }));
  else if (flags.output === 'name') for (const { name } of imported) terminal.print(name);
  else if (imported.length > 0) terminal.print(renderTable(imported, columns(invocation), tableOptions(invocation)));
  for (const { what, place, why } of skipped) terminal.note(`left out ${safeText(what)}, ${safeText(place)}: ${why}`);
  if (others > 0) terminal.note(`${others} other ${others === 1 ? 'manifest was' : 'manifests were'} not looked at`);
  terminal.note(summary(imported, dryRun));
  return imported.some(({ result }) => result === 'refused') ? exitCodes.failure : exitCodes.ok;
}

async function send(
  client: Client,
  source: Source,
  items: readonly ImportItem[],
  dryRun: boolean,
): Promise<readonly Imported[]> {
  const imported: Imported[] = [];
  for (const part of partsOf(items)) {
    const body = { source, dryRun, items: part.map((item) => item.body) };
    const answer = await client.call('observedImport', { body });
    imported.push(...answer.items.map((item, at) => ({ ...item, place: part[at]?.place ?? '' })));
  }
  return imported;
}

/** As many as one request takes, by number and by size. */
export function* partsOf(items: readonly ImportItem[]): Generator<readonly ImportItem[]> {
  let part: ImportItem[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item.body));
    if (part.length === mostItems || (part.length > 0 && bytes + size > mostBytes)) {
      yield part;
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

function columns({ terminal }: Invocation): Column<Imported>[] {
  return [
    { title: 'NAME', value: ({ name }) => name },
    {
      title: 'RESULT',
      value: ({ result }) => result,
      paint: (text, { result }) =>
        result === 'refused' ? terminal.paint.red(text) : result === 'unchanged' ? text : terminal.paint.green(text),
    },
    { title: 'WHY', value: ({ problem }) => (problem === null ? '-' : `${problem.detail}. ${problem.remedy}`) },
    { title: 'FROM', value: ({ place }) => place, wide: true, shrinks: true },
  ];
}

function summary(imported: readonly Imported[], dryRun: boolean): string {
  const counts = (['added', 'updated', 'unchanged', 'refused'] as const)
    .map((result) => [result, imported.filter((item) => item.result === result).length] as const)
    .filter(([, count]) => count > 0)
    .map(([result, count]) => `${count} ${result}`);
  const told = counts.length === 0 ? 'There is nothing to import' : counts.join(', ');
  return dryRun ? `${told}; nothing was changed, since this was a dry run.` : `${told}.`;
}
