import { fitText, safeText, textWidth } from './text-width.ts';

/** One column of a table of `T`. */
export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: 'left' | 'right';
  /** Only shown with `-o wide`. */
  readonly wide?: boolean;
  /** May lose its end when the table is too wide; those that may not are never cut. */
  readonly shrinks?: boolean;
  /** Colours a cell after it was fitted. */
  readonly paint?: (text: string, row: T) => string;
}

export interface TableOptions {
  /** Columns of the terminal; infinite where there is none. */
  readonly width: number;
  readonly ellipsis: string;
  readonly wide?: boolean;
  readonly paintTitle?: (title: string) => string;
}

const gap = 2;
const leastWidth = 6;

/** The lines of a table with a line of titles, no wider than `width` as far as its columns may shrink. */
export function renderTable<T>(rows: readonly T[], columns: readonly Column<T>[], options: TableOptions): string {
  const shown = columns.filter((column) => column.wide !== true || options.wide === true);
  const cells = rows.map((row) => shown.map((column) => safeText(column.value(row)).replaceAll('\n', ' ')));
  const natural = shown.map((column, at) =>
    Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[at] ?? ''))),
  );
  const widths = fittedWidths(natural, shown, options.width);
  const paintTitle = options.paintTitle ?? ((title: string) => title);
  const lines = [
    lineOf(shown.map((column, at) => [column.title, widths[at] ?? 0, column.align, paintTitle])),
    ...rows.map((row, index) =>
      lineOf(
        shown.map((column, at) => [
          cells[index]?.[at] ?? '',
          widths[at] ?? 0,
          column.align,
          (text) => column.paint?.(text, row) ?? text,
        ]),
      ),
    ),
  ];
  return lines.join('\n');

  function lineOf(parts: readonly (readonly [string, number, Column<T>['align'], (text: string) => string])[]): string {
    return parts
      .map(([text, width, align, paint]) => {
        const fitted = fitText(text, width, options.ellipsis);
        const padding = ' '.repeat(Math.max(0, width - textWidth(fitted)));
        return align === 'right' ? padding + paint(fitted) : paint(fitted) + padding;
      })
      .join(' '.repeat(gap))
      .trimEnd();
  }
}

/** Takes the width that is lacking from the widest of the columns that may shrink, one column of the terminal at a time. */
function fittedWidths<T>(natural: readonly number[], columns: readonly Column<T>[], limit: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, width) => sum + width, 0) + gap * (widths.length - 1) - limit;
  while (over > 0) {
    let widest = -1;
    for (const [at, width] of widths.entries()) {
      const least = Math.max(leastWidth, textWidth(columns[at]?.title ?? ''));
      if (columns[at]?.shrinks === true && width > least && width > (widths[widest] ?? 0)) widest = at;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over -= 1;
  }
  return widths;
}
