import { readFileSync, writeFileSync } from 'node:fs';

/** What comes of a way out: it is refused, it does no harm to anybody else, or it works. */
export type Outcome = 'refused' | 'harmless' | 'possible';

type Outcomes = Readonly<Record<string, Outcome>>;

const [begin, end] = ['<!-- measured: begin -->', '<!-- measured: end -->'];

/** The table of a page, by column: what is known of each way at each level. */
export function readCageTable(file: string): Readonly<Record<string, Outcomes>> {
  const [head = [], , ...rows] = cellsOf(file);
  return Object.fromEntries(
    head
      .slice(1)
      .map((column, index) => [
        column,
        Object.fromEntries(
          rows.flatMap(([way = '', ...outcomes]) =>
            outcomes[index] === undefined || outcomes[index] === '' ? [] : [[way, outcomes[index] as Outcome]],
          ),
        ),
      ]),
  );
}

/** Puts one column into the table of a page, and keeps the others. */
export function writeCageTable(file: string, column: string, outcomes: Outcomes): void {
  const known: Record<string, Outcomes> = { ...readCageTable(file), [column]: outcomes };
  const columns = Object.keys(known);
  const ways = [...new Set(Object.values(known).flatMap((each) => Object.keys(each)))];
  const lines = [
    ['way', ...columns],
    ['---', ...columns.map(() => '---')],
    ...ways.map((way) => [way, ...columns.map((name) => known[name]?.[way] ?? '')]),
  ].map((cells) => `| ${cells.join(' | ')} |`);
  const text = readFileSync(file, 'utf8');
  const [before = '', rest = ''] = text.split(begin);
  const after = rest.split(end)[1] ?? '';
  writeFileSync(file, `${before}${begin}\n\n${lines.join('\n')}\n\n${end}${after}`);
}

function cellsOf(file: string): readonly (readonly string[])[] {
  const part = readFileSync(file, 'utf8').split(begin)[1]?.split(end)[0] ?? '';
  return part
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
