import { MusterError, type RowPlan, nearestName, quoteName } from '@muster-ml/protocol';
import type { TableReader, WantedColumn } from '../tables/table.ts';

/** Columns that an error names. */
const named = 20;

/** Which columns are read: first those of the model, `undefined` for one that may be left out and is, then those kept. */
export interface MatchedColumns {
  readonly wanted: readonly WantedColumn[];
  /** For each column of the plan its index in `wanted`. */
  readonly inputs: readonly (number | undefined)[];
  /** Index in `wanted` of the first column that is kept. */
  readonly keptFrom: number;
  readonly rowColumn: string;
}

/**
 * Finds the columns of a model and those that are kept in a table, by name. Throws `columns_missing` naming all that are
 * not there, and `invalid_request` for one that is kept and has the name of an output.
 */
export function matchColumns(
  plan: RowPlan,
  names: TableReader['names'],
  keep: readonly string[],
  outputs: readonly string[] | undefined,
): MatchedColumns {
  const has = (name: string): boolean => names === undefined || names.includes(name);
  const missing = [
    ...plan.columns.filter(({ name, isOptional }) => !isOptional && !has(name)).map(({ name }) => name),
    ...keep.filter((name) => !has(name)),
  ];
  if (missing.length > 0) throw columnsMissing([...new Set(missing)], names ?? []);
  const answers = outputs ?? plan.signature.outputs.map(({ name }) => name);
  const taken = keep.find((name) => answers.includes(name));
  if (taken !== undefined)
    throw new MusterError('invalid_request', `the column ${quoteName(taken)} cannot be kept: an output has its name`, {
      place: 'body.keep',
      remedy: 'Rename it in the table.',
    });
  const wanted: WantedColumn[] = [];
  const inputs = plan.columns.map((column) => {
    if (!has(column.name)) return undefined;
    wanted.push({ name: column.name, as: column });
    return wanted.length - 1;
  });
  const keptFrom = wanted.length;
  wanted.push(...[...new Set(keep)].map((name) => ({ name })));
  let rowColumn = 'row';
  while (keep.includes(rowColumn) || answers.includes(rowColumn)) rowColumn = `_${rowColumn}`;
  return { wanted, inputs, keptFrom, rowColumn };
}

function columnsMissing(missing: readonly string[], names: readonly string[]): MusterError {
  const list = missing
    .slice(0, named)
    .map((name) => {
      const near = nearestName(name, names);
      return near === undefined ? quoteName(name) : `${quoteName(name)} (is ${quoteName(near)} meant?)`;
    })
    .join(', ');
  const more = missing.length > named ? ` and ${missing.length - named} more` : '';
  return new MusterError(
    'columns_missing',
    `the table has no ${missing.length === 1 ? 'column' : 'columns'} ${list}${more}`,
  );
}
