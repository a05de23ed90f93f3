import { readFileSync, statSync } from 'node:fs';
import type { Invocation } from '../invocation.ts';
import { sizeText } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';

/** A body for `/predict`. */
export interface PredictBody {
  readonly contentType: 'application/json' | 'text/csv';
  readonly text: string;
}

/** Most that is read; more rows are work for a batch job, and the server has a limit of its own. */
const maxBytes = 512 * 1024 * 1024;

/** The rows from `--rows`, a file, or `-` for standard input; undefined where none were given. Throws `UsageError`. */
export async function readInput(
  invocation: Invocation,
  file: string | undefined,
  rows: string | undefined,
): Promise<PredictBody | undefined> {
  if (rows !== undefined) {
    if (file !== undefined) throw new UsageError('rows are given twice', `Leave out --rows or ${file}.`, '--rows');
    return rowsBody(rows, '--rows');
  }
  if (file === undefined) return undefined;
  const text = file === '-' ? await readAll(invocation) : readFile(file);
  if (/\.csv$/i.test(file)) return { contentType: 'text/csv', text };
  const isJson = /\.json$/i.test(file) || /^\s*[[{]/.test(text);
  return isJson ? rowsBody(text, file) : { contentType: 'text/csv', text };
}

/** One row, a list of rows, or the whole body: all become the body. */
function rowsBody(text: string, place: string): PredictBody {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `this is not JSON: ${(error as Error).message}`,
      'Write {"feature": value, …}, a list of such rows, or name a CSV file.',
      place,
    );
  }
  if (typeof value !== 'object' || value === null)
    throw new UsageError('a row is an object', 'Write {"feature": value, …}.', place);
  // A whole body is sent as it is: numbers of more digits than JavaScript holds stay what they are.
  if (!Array.isArray(value) && 'rows' in value && Array.isArray(value.rows))
    return { contentType: 'application/json', text };
  return { contentType: 'application/json', text: Array.isArray(value) ? `{"rows":${text}}` : `{"rows":[${text}]}` };
}

function readFile(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > maxBytes)
      throw new UsageError(
        `${file} has ${sizeText(size)}; at most ${sizeText(maxBytes)} are sent at once`,
        'Split it.',
        file,
      );
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(
      code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code})`,
      'Check the path; - reads from standard input.',
      file,
    );
  }
}

async function readAll({ surroundings }: Invocation): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of surroundings.stdin) {
    const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    bytes += piece.length;
    if (bytes > maxBytes)
      throw new UsageError(`standard input holds more than ${sizeText(maxBytes)}`, 'Split it.', '-');
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString('utf8');
}
