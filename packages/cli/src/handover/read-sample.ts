import { readFileSync, statSync } from 'node:fs';
import { type Sample, sampleSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

/** A sample as it is sent: rows without types, or tensors with the answers to them. */
export type GivenSample = { readonly sampleCsv: string } | { readonly sample: Sample };

const maxCsvChars = 1_000_000;
const maxJsonBytes = 32 * 2 ** 20;
const flag = '--sample';
const form = '{"inputs": [{"name": "age", "datatype": "FP64", "shape": [2], "data": [31, 47]}], "outputs": [...]}';

/**
 * Reads `--sample`: a document a line where the file is named .jsonl, for models that take JSON; JSON tensors where it is
 * named .json or begins as an object; else CSV. Throws `UsageError`.
 */
export function readSample(path: string): GivenSample {
  const text = readText(path, maxJsonBytes);
  if (/\.(jsonl|ndjson)$/.test(path)) return { sample: readDocuments(path, text) };
  if (path.endsWith('.json') || text.trimStart().startsWith('{')) return { sample: readJson(path, text) };
  if (text.length <= maxCsvChars) return { sampleCsv: text };
  throw new UsageError(`${path} is too large for a sample`, `Give a few rows: head -21 ${path} > sample.csv`, flag);
}

/** Each line is what the model is given of one row. */
function readDocuments(path: string, text: string): Sample {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const broken = lines.findIndex((line) => !isDocument(line));
  if (lines.length === 0 || broken >= 0)
    throw new UsageError(
      lines.length === 0 ? `${path} is empty` : `line ${broken + 1} of ${path} is no JSON object or list`,
      'Write one document a line, as the model takes it.',
      flag,
    );
  const input = { name: 'input', datatype: 'BYTES' as const, shape: [lines.length], data: lines };
  return { inputs: [input], isTable: false, outputs: [] };
}

function isDocument(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}

function readJson(path: string, text: string): Sample {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not valid JSON: ${(error as Error).message}`, `Write ${form}.`, flag);
  }
  const checked = sampleSchema.safeParse(content);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new UsageError(
    `${path} does not fit at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? ''}`,
    `Write ${form}; with "isTable": true where the inputs are the columns of a table.`,
    flag,
  );
}

/** The text of a small file. Throws `UsageError` where it cannot be read or is larger. */
export function readText(path: string, maxBytes: number): string {
  try {
    if (statSync(path).size <= maxBytes) return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(
      code === 'ENOENT' ? `there is no file ${path}` : `${path} cannot be read (${code})`,
      'Check the path.',
      path,
    );
  }
  throw new UsageError(`${path} is too large`, 'Give a few rows.', path);
}
