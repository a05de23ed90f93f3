import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Client, type MlflowServer, type ModelUri, createMlflowServer, readModelUri } from '@muster-ml/client';
import type { Lineage } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';

/** A version of an MLflow server as a folder on this machine, until it is disposed of. */
export interface MlflowModel extends AsyncDisposable {
  /** The model folder, as MLflow wrote it. */
  readonly folder: string;
  readonly lineage: Lineage;
}

/** What is to be copied from an MLflow server, as it was asked for. */
export interface MlflowSource {
  readonly text: string;
  readonly server: string;
  readonly uri: ModelUri;
  /** What an endpoint may be called after. */
  readonly name: string;
  /** The alias that the endpoint is to follow from now on. */
  readonly follow: { readonly server: string; readonly sourceModel: string; readonly alias: string } | undefined;
}

interface MlflowFlags {
  readonly mlflow?: string;
  readonly follow?: boolean;
  readonly canary?: string;
  readonly shadow?: string | true;
}

/** What `--mlflow` and `--follow` ask for; undefined without them. Throws `UsageError`. */
export function readMlflowSource(text: string, flags: MlflowFlags): MlflowSource | undefined {
  if (flags.mlflow === undefined) {
    if (flags.follow === true)
      throw new UsageError('--follow needs the server', 'Add --mlflow http://localhost:5000.', '--follow');
    if (text.startsWith('runs:/'))
      throw new UsageError(`${text} is a run of an MLflow server`, 'Add --mlflow http://localhost:5000.', text);
    return undefined;
  }
  const server = checkedUrl(flags.mlflow);
  const uri = readModelUri(text);
  const name = 'model' in uri ? uri.model : uri.kind === 'run' ? uri.path : uri.id;
  if (flags.follow !== true) return { text, server, uri, name, follow: undefined };
  if (uri.kind !== 'alias')
    throw new UsageError(
      `${text} is no alias, so it never moves`,
      'Follow an alias: models:/churn@champion.',
      '--follow',
    );
  if (flags.canary !== undefined || flags.shadow !== undefined)
    throw new UsageError('what is followed becomes live', 'Leave out --canary and --shadow.', '--follow');
  return { text, server, uri, name, follow: { server, sourceModel: uri.model, alias: uri.alias } };
}

/** Makes the endpoint follow the alias. Throws what the server says. */
export async function followAlias(
  { terminal }: Invocation,
  client: Client,
  endpoint: string,
  model: string,
  follow: NonNullable<MlflowSource['follow']>,
): Promise<void> {
  // Credentials of the address stay here: the server has its own.
  const { protocol, host, pathname } = new URL(follow.server);
  const server = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  await client.call('followSet', { params: { endpoint }, body: { ...follow, server, model } });
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ${endpoint} follows ${follow.sourceModel}@${follow.alias} of ${server}`,
  );
}

/**
 * Downloads what a URI names now, as the user that MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN say. The credentials
 * go to that server and nowhere else. Throws what the server says.
 */
export async function fetchMlflowModel(invocation: Invocation, server: string, uri: ModelUri): Promise<MlflowModel> {
  const { terminal, surroundings } = invocation;
  const { env } = surroundings;
  const mlflow = createMlflowServer({
    url: server,
    username: env['MLFLOW_TRACKING_USERNAME'],
    password: env['MLFLOW_TRACKING_PASSWORD'],
    token: env['MLFLOW_TRACKING_TOKEN'],
    signal: surroundings.interruption,
  });
  const step = beginStep(terminal, `asking ${mlflow.url}`);
  let folder: string | undefined;
  try {
    const { lineage, artifacts } = await mlflow.find(uri);
    const files = await mlflow.list(artifacts);
    folder = await mkdtemp(join(tmpdir(), 'muster-mlflow-'));
    let arrived = 0;
    for (const { path } of files) {
      arrived += await download(mlflow, artifacts, path, join(folder, path), (bytes) =>
        step.update(`copying ${lineage.model} ${lineage.version}  ${sizeText(arrived + bytes)}`),
      );
    }
    step.done(
      `copied ${lineage.model} ${lineage.version} of ${mlflow.url}  ${files.length} files, ${sizeText(arrived)}`,
    );
    const made = folder;
    return { folder, lineage, [Symbol.asyncDispose]: async () => await remove(made) };
  } catch (error) {
    step.drop();
    if (folder !== undefined) await remove(folder);
    throw error;
  }
}

/** Writes one file and answers its size. `path` was checked to stay within the folder when it was listed. */
async function download(
  mlflow: MlflowServer,
  artifacts: string,
  path: string,
  to: string,
  onBytes: (bytes: number) => void,
): Promise<number> {
  await mkdir(dirname(to), { recursive: true });
  let size = 0;
  const body = Readable.fromWeb((await mlflow.open(artifacts, path)) as Parameters<typeof Readable.fromWeb>[0]);
  body.on('data', (chunk: Uint8Array) => {
    size += chunk.byteLength;
    onBytes(size);
  });
  await pipeline(body, createWriteStream(to));
  return size;
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

function checkedUrl(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new UsageError(
    `\`${text}\` is no address of an MLflow server`,
    'Write --mlflow http://localhost:5000.',
    '--mlflow',
  );
}
