import type { Invocation } from '../invocation.ts';
import { type Column, type TableOptions, renderTable } from './table.ts';

/** Options of a table on this terminal. */
export function tableOptions({ terminal, flags }: Invocation): TableOptions {
  return {
    width: terminal.width,
    ellipsis: terminal.symbols.ellipsis,
    wide: flags.output === 'wide',
    paintTitle: terminal.paint.dim,
  };
}

/** Prints a list as the flags want it: a table, names, or the JSON of its items. */
export function showList<T>(
  invocation: Invocation,
  items: readonly T[],
  options: { readonly columns: readonly Column<T>[]; readonly name: (item: T) => string; readonly whenEmpty: string },
): void {
  const { terminal, flags } = invocation;
  if (flags.json === true) terminal.print(JSON.stringify({ items }));
  else if (flags.output === 'name') {
    for (const item of items) terminal.print(options.name(item));
  } else if (items.length === 0) terminal.note(options.whenEmpty);
  else terminal.print(renderTable(items, options.columns, tableOptions(invocation)));
}
