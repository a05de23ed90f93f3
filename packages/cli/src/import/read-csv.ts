import { nearestName, observeSchema } from '@muster-ml/protocol';
import { CsvError, parse } from 'csv-parse/sync';
import { UsageError } from '../usage-error.ts';
import type { ImportDefaults, ImportItem, ObserveBody } from './import-item.ts';

/** The columns of a table of endpoints, and the fields that they are. */
const fields = {
  name: 'name',
  team: 'team',
  description: 'description',
  owner: 'owner',
  'use-case': 'useCase',
  platform: 'platform',
  location: 'location',
  model: 'model',
  version: 'version',
  probe: 'probe',
  runbook: 'runbook',
} as const satisfies Readonly<Record<string, keyof ObserveBody>>;

type ColumnName = keyof typeof fields;

export const csvColumns = Object.keys(fields) as readonly ColumnName[];

const needed = ['name', 'platform'] as const satisfies readonly ColumnName[];
const maxRows = 100_000;
/** Problems that are told at once. */
const maxTold = 10;

/**
 * Reads a table of endpoints, whose first line names the columns. A cell that is empty says nothing. Throws `UsageError`
 * with the line and column of what is wrong, before anything is sent.
 */
export function readCsv(path: string, text: string, defaults: ImportDefaults): readonly ImportItem[] {
  const rows = parsed(path, text);
  const [header, ...records] = rows;
  if (header === undefined) throw new UsageError(`${path} is empty`, `Begin with a line of names: ${example}`, path);
  const columns = columnsOf(path, header.cells);
  const problems: string[] = [];
  const firstAt = new Map<string, number>();
  const items = records.map(({ cells, line }): ImportItem => {
    const body = bodyOf(columns, cells, defaults);
    const checked = observeSchema.safeParse(body);
    for (const {
      path: [field],
      message,
    } of checked.error?.issues ?? [])
      problems.push(`line ${line}, column ${columnOf(field)}: ${message}`);
    const before = firstAt.get(body.name);
    if (before !== undefined) problems.push(`line ${line}, column name: line ${before} has ${body.name} already`);
    else firstAt.set(body.name, line);
    return { body, place: `${path}:${line}` };
  });
  const [first] = problems;
  if (first !== undefined) {
    const more = problems.length > maxTold ? `\nand ${problems.length - maxTold} more` : '';
    throw new UsageError(
      `${path} does not fit:\n${problems.slice(0, maxTold).join('\n')}${more}`,
      'Correct it and run it again; nothing was sent.',
      `${path}:${/^line (\d+)/.exec(first)?.[1] ?? '1'}`,
    );
  }
  if (items.length === 0) throw new UsageError(`${path} has no row below its names`, `Write ${example}`, path);
  return items;
}

const example = 'name,team,platform,location and, below it, fraud,risk,kserve,prod/fraud.';

interface Row {
  readonly cells: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
}

function parsed(path: string, text: string): readonly Row[] {
  try {
    const records = parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      // Spreadsheets of some countries write semicolons.
      delimiter: delimiterOf(text),
      relax_column_count: true,
      max_record_size: 200_000,
      to: maxRows + 2,
      info: true,
    }) as unknown as readonly { readonly record: readonly string[]; readonly info: { readonly lines: number } }[];
    if (records.length > maxRows + 1)
      throw new UsageError(`${path} has more than ${maxRows} rows`, 'Send it in parts.', path);
    return records.map(({ record, info }) => ({
      cells: record,
      // The parser says where a record ends; what breaks lines within it is in its cells.
      line: info.lines - record.reduce((lines, cell) => lines + (cell.match(/\r\n|\n|\r/g)?.length ?? 0), 0),
    }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error['lines'] === 'number' ? error['lines'] : 1;
    throw new UsageError(
      `${path} is no CSV: ${error.message}`,
      'Put values that hold a comma, a quote or a line break in double quotes.',
      `${path}:${line}`,
    );
  }
}

function delimiterOf(text: string): string {
  const head = text.slice(0, 10_000).split(/\r?\n/, 1)[0] ?? '';
  return !head.includes(',') && head.includes(';') ? ';' : ',';
}

function columnsOf(path: string, header: readonly string[]): readonly ColumnName[] {
  const place = `${path}:1`;
  const columns = header.map((given, at): ColumnName => {
    const name = given.toLowerCase().replaceAll(/[\s_]+/g, '-');
    const known = csvColumns.find((column) => column === name);
    if (known !== undefined) return known;
    const near = nearestName(name, csvColumns);
    throw new UsageError(
      `line 1, column ${at + 1} of ${path}: there is no column \`${given}\``,
      near === undefined ? `The columns are ${csvColumns.join(', ')}.` : `Write \`${near}\`, or take the column out.`,
      place,
    );
  });
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined)
    throw new UsageError(
      `line 1, column ${columns.lastIndexOf(twice) + 1} of ${path}: ${twice} is there twice`,
      'Take one of them out.',
      place,
    );
  const missing = needed.find((column) => !columns.includes(column));
  if (missing !== undefined)
    throw new UsageError(`${path} has no column ${missing}`, `Every endpoint needs ${needed.join(' and ')}.`, place);
  return columns;
}

function bodyOf(columns: readonly ColumnName[], cells: readonly string[], defaults: ImportDefaults): ObserveBody {
  const given = columns.flatMap((column, at): [string, string][] => {
    const cell = cells[at] ?? '';
    return cell === '' ? [] : [[fields[column], cell]];
  });
  // More cells than names are no field of the schema, and are refused with the line.
  const extra = cells.slice(columns.length).some((cell) => cell !== '') ? { [beyond]: 'x' } : {};
  return { name: '', platform: '', ...defined(defaults), ...Object.fromEntries(given), ...extra };
}

const beyond = 'beyond the names';

function columnOf(field: PropertyKey | undefined): string {
  const column = csvColumns.find((name) => fields[name] === field);
  return column ?? 'beyond the last name';
}

function defined(defaults: ImportDefaults): Partial<ObserveBody> {
  const { team, owner } = defaults;
  return { ...(team === undefined ? {} : { team }), ...(owner === undefined ? {} : { owner }) };
}
