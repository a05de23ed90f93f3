import { type Column, type TableOptions, renderTable } from '../output/table.ts';

/** The answer of `POST /predict/{endpoint}`, as far as it is used here. */
export interface PredictAnswer {
  readonly model?: string;
  readonly version?: string;
  readonly predictions?: readonly unknown[];
}

type Prediction = Readonly<Record<string, unknown>>;

/** One line a row, one column an output; nested values as short JSON. */
export function predictionsTable(answer: PredictAnswer, options: TableOptions): string {
  const rows = (answer.predictions ?? []).map((one): Prediction =>
    typeof one === 'object' && one !== null && !Array.isArray(one) ? (one as Prediction) : { prediction: one },
  );
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name): Column<Prediction> => {
    const isNumeric = rows.every((row) => typeof row[name] === 'number');
    return {
      title: name,
      value: (row) => cellText(row[name]),
      shrinks: !isNumeric,
      ...(isNumeric ? { align: 'right' as const } : {}),
    };
  });
  return renderTable(rows, columns, options);
}

/** A value in a cell: numbers short enough to read, since `--json` has every digit. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(cellText).join(', ')}]`;
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([key, inner]) => `${key}: ${cellText(inner)}`)
      .join(', ');
  return JSON.stringify(value);
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}
