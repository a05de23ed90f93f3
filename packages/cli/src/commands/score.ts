import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { Client } from '@muster-ml/client';
import type { Operation, Score, TableFormat } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { fetchFile } from '../handover/fetch-file.ts';
import { followOperation } from '../handover/follow-operation.ts';
import { openModelFile } from '../handover/model-file.ts';
import { uploadFile } from '../handover/upload-file.ts';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { nextCommands } from '../output/next-commands.ts';
import { beginStep } from '../output/progress.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { durationText } from '../units/duration.ts';
import { sizeText } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';

export interface ScoreFlags {
  readonly output?: string;
  readonly outputs?: string;
  readonly role?: string;
  readonly keep?: string;
  readonly errors?: string;
  readonly delimiter?: string;
  /** Operation that was begun earlier. */
  readonly resume?: string;
  /** False with `--no-header`. */
  readonly header: boolean;
}

const formats: Readonly<Record<string, TableFormat>> = {
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.csv': 'csv',
  '.tsv': 'csv',
  '.txt': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/**
 * Scores a table: sends it, waits, and fetches the answers and the bad rows. Nothing half-written is ever at the place of
 * the result. Rows without an answer are no failure of the command: it warns of them, and the rest is there.
 */
export async function score(
  invocation: Invocation,
  endpoint: string,
  file: string | undefined,
  flags: ScoreFlags,
): Promise<void> {
  const { terminal, flags: global, surroundings } = invocation;
  const output = flags.output ?? defaultOutput(file);
  const resultFormat = formatOf(output, '--output');
  const errorsFile = flags.errors ?? `${output}.errors.jsonl`;
  const client = await invocation.client();
  await withNearest(client, 'endpoint', endpoint, async () => {
    // Before a large file is sent for nothing.
    await client.call('endpointGet', { params: { endpoint } });
    const operation =
      flags.resume === undefined
        ? await begin(invocation, client, endpoint, file, flags, resultFormat)
        : await client.call('operationGet', { params: { operation: flags.resume } });
    if (operation.kind !== 'score')
      throw new UsageError(`operation ${operation.id} is no score`, 'Name the one that muster score told.', '--resume');
    const ended = await followOperation(invocation, client, operation, doneText).catch((error: unknown) => {
      if (!surroundings.interruption.aborted) throw error;
      throw new Interrupted(
        `It goes on in the server: muster score ${endpoint} --resume ${operation.id} -o ${shellQuoted(output)}`,
      );
    });
    const done = scoreIn(ended);
    if (done.resultFormat !== resultFormat)
      throw new UsageError(`the result is ${done.resultFormat}`, `Name it .${done.resultFormat}.`, '--output');
    await fetchTable(invocation, client, 'scoreResult', done, output);
    const badRows = done.errors?.rows ?? 0;
    if (badRows > 0) await fetchTable(invocation, client, 'scoreErrors', done, errorsFile);
    else await rm(errorsFile, { force: true });
    if (done.resultFormat !== 'parquet')
      await writeFile(`${output}.meta.json`, `${JSON.stringify(factsOf(done), null, 2)}\n`);
    terminal.print(global.json === true ? JSON.stringify(done) : output);
    if (badRows > 0)
      terminal.warn(`${badRows} of ${done.progress.rowsDone} rows have no answer: ${errorsFile} says why of each.`);
    nextCommands(terminal, [['See it', `muster operation show ${ended.id} --json`]]);
  });
}

/** Sends the table and asks for it to be scored. */
async function begin(
  invocation: Invocation,
  client: Client,
  endpoint: string,
  file: string | undefined,
  flags: ScoreFlags,
  resultFormat: TableFormat,
): Promise<Operation> {
  if (file === undefined) throw new UsageError('no table is given', 'Name a .parquet, .csv or .jsonl file.', 'file');
  const format = formatOf(file);
  return await client.call('scoreStart', {
    params: { endpoint },
    idempotencyKey: randomUUID(),
    body: {
      digest: await send(invocation, client, file),
      format,
      resultFormat,
      ...(flags.role === undefined ? {} : { role: roleIn(flags.role) }),
      ...(flags.outputs === undefined ? {} : { outputs: listIn(flags.outputs) }),
      ...(flags.keep === undefined ? {} : { keep: listIn(flags.keep) }),
      csv: {
        delimiter: delimiterIn(flags.delimiter ?? (extname(file).toLowerCase() === '.tsv' ? 'tab' : ',')),
        hasHeader: flags.header,
      },
    },
  });
}

function defaultOutput(file: string | undefined): string {
  if (file === undefined) throw new UsageError('the result has no name', 'Add `-o FILE`.', '--output');
  const extension = extname(file);
  return `${basename(file, extension)}.scored${extension}`;
}

/** Sends the table, unless its content is there already. */
async function send(invocation: Invocation, client: Client, path: string): Promise<string> {
  const { terminal, surroundings } = invocation;
  const step = beginStep(terminal, `reading ${path}`);
  await using file = await openModelFile(
    path,
    (read, size) => step.update(`reading ${path}  ${sizeText(read)} of ${sizeText(size)}`),
    surroundings.interruption,
  ).finally(() => step.drop());
  await uploadFile(invocation, client, file);
  return file.sha256;
}

async function fetchTable(
  invocation: Invocation,
  client: Client,
  route: 'scoreResult' | 'scoreErrors',
  done: Score,
  target: string,
): Promise<void> {
  const expected = route === 'scoreResult' ? done.result : done.errors;
  const open = async (): Promise<Response> => await client.call(route, { params: { score: done.id } });
  const what = `the table of score ${done.id}`;
  await fetchFile(invocation, { what, digest: expected?.digest, sizeBytes: expected?.sizeBytes, open }, target);
}

function doneText(ended: Operation): string {
  const { progress, model, version, createdAt, finishedAt } = scoreIn(ended);
  const took = finishedAt === null ? '' : ` in ${durationText(Date.parse(finishedAt) - Date.parse(createdAt))}`;
  const bad = progress.badRows === 0 ? '' : `, ${progress.badRows} without an answer`;
  return `scored ${progress.rowsDone} rows with ${model}:${version}${took}${bad}`;
}

function scoreIn({ result }: Operation): Score {
  return (result as { readonly score: Score }).score;
}

/** What a result is, for formats that cannot say it themselves. */
function factsOf(done: Score): Readonly<Record<string, unknown>> {
  const { id, endpoint, model, version, versionDigest, input, result, errors, finishedAt } = done;
  return { score: id, endpoint, model, version, versionDigest, scoredAt: finishedAt, input, result, errors };
}

function formatOf(path: string, place?: string): TableFormat {
  const format = formats[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new UsageError(`${path} does not say what it is`, 'Name it .parquet, .csv, .tsv or .jsonl.', place ?? path);
}

function roleIn(text: string): 'live' | 'canary' {
  if (text === 'live' || text === 'canary') return text;
  throw new UsageError(`\`${text}\` is no role`, 'Write `--role live` or `--role canary`.', '--role');
}

function listIn(text: string): string[] {
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function delimiterIn(text: string): string {
  const known = { tab: '\t', '\\t': '\t', comma: ',', semicolon: ';' }[text] ?? text;
  if (known.length === 1) return known;
  throw new UsageError(`\`${text}\` is not one character`, "Write `--delimiter ';'`, or `tab`.", '--delimiter');
}
