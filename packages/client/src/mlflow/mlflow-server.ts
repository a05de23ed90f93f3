import { type Lineage, MusterError } from '@muster-ml/protocol';
import { z } from 'zod';
import type { ModelUri } from './model-uri.ts';

/** How to reach an MLflow server, and as whom. */
export interface MlflowServerOptions {
  /** Such as `http://localhost:5000`; credentials in it are used and shown nowhere. */
  readonly url: string;
  /** Basic wins over the token, as with MLflow's own client. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Longest wait for the head of an answer, and for each piece of a file, in milliseconds. */
  readonly timeoutMs?: number;
  readonly userAgent?: string;
  readonly signal?: AbortSignal | undefined;
}

/** One version on the server, found by whatever named it. */
export interface FoundVersion {
  readonly lineage: Lineage;
  /** Where its files are: `mlflow-artifacts:/…`, or what only some machines can read, such as `file:` or `s3:`. */
  readonly artifacts: string;
}

/** A registered model, and the version that an alias of it names. */
export interface AliasedModel {
  readonly model: string;
  readonly version: string;
  readonly description: string;
}

/** A file of a model folder. */
export interface ArtifactFile {
  /** Relative to the model folder, with forward slashes; never leaves it. */
  readonly path: string;
  readonly sizeBytes: number | undefined;
}

/** What Muster asks an MLflow server: to read, never to change anything. */
export interface MlflowServer {
  /** Address without credentials. */
  readonly url: string;
  /** Which version a URI means now. Throws `mlflow_unreachable`, `mlflow_refused`, `mlflow_not_found`. */
  find(uri: ModelUri): Promise<FoundVersion>;
  /** Every registered model with that alias, and the version that it names now. Throws as `find`, but for what is not there. */
  aliased(alias: string): Promise<readonly AliasedModel[]>;
  /** The files below an artifact location. Throws `mlflow_artifacts_unreachable` where the server does not serve it. */
  list(artifacts: string): Promise<readonly ArtifactFile[]>;
  /** The bytes of one file. */
  open(artifacts: string, path: string): Promise<ReadableStream<Uint8Array>>;
}

const maxFiles = 10_000;
const maxDepth = 32;
const maxAnswerBytes = 16 * 1024 * 1024;
const modelsPerPage = 100;
const maxModels = 10_000;

const text = z.string().max(10_000);
const versionSchema = z.object({
  name: text,
  version: z.union([text, z.number()]).transform(String),
  source: text.optional(),
  run_id: text.optional(),
  aliases: z.array(text).optional(),
});
const listSchema = z.object({
  files: z
    .array(z.object({ path: text, is_dir: z.boolean().optional(), file_size: z.union([z.number(), text]).optional() }))
    .optional(),
});

const modelsSchema = z.object({
  registered_models: z
    .array(
      z.object({
        name: text,
        description: text.optional().catch(''),
        aliases: z.array(z.object({ alias: text, version: z.union([text, z.number()]).transform(String) })).optional(),
      }),
    )
    .optional(),
  next_page_token: text.optional(),
});

/** Connects to nothing yet: each call is one request or a few. */
export function createMlflowServer(options: MlflowServerOptions): MlflowServer {
  const { base, credentials } = addressOf(options);
  const timeoutMs = options.timeoutMs ?? 30_000;

  async function request(path: string): Promise<Response> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), timeoutMs);
    const signals = [limit.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const headers = new Headers({ accept: 'application/json, */*' });
    if (credentials !== undefined) headers.set('authorization', credentials);
    if (options.userAgent !== undefined) headers.set('user-agent', options.userAgent);
    try {
      // A redirect could take the credentials elsewhere.
      const response = await fetch(`${base}${path}`, { headers, signal: AbortSignal.any(signals), redirect: 'error' });
      if (!response.ok) throw await refusal(response, base);
      return response;
    } catch (error) {
      if (error instanceof MusterError) throw error;
      options.signal?.throwIfAborted();
      const why = limit.signal.aborted ? `it did not answer within ${timeoutMs} ms` : reasonOf(error);
      throw new MusterError('mlflow_unreachable', `the MLflow server ${base} can't be reached: ${why}`);
    } finally {
      clearTimeout(timer);
    }
  }

  async function ask<S extends z.ZodType>(path: string, schema: S): Promise<z.output<S>> {
    const body = await boundedText(await request(path), maxAnswerBytes, base);
    const read = schema.safeParse(parsed(body));
    if (read.success) return read.data;
    throw new MusterError('mlflow_refused', `${base} does not answer as an MLflow server does`);
  }

  async function artifactsOf(model: string, number: string): Promise<string> {
    const path = `/api/2.0/mlflow/model-versions/get-download-uri?${query({ name: model, version: number })}`;
    const { artifact_uri: uri } = await ask(path, z.object({ artifact_uri: text }));
    return await located(uri);
  }

  /** MLflow 3 keeps models as objects of their own, to which the location of a version may only refer. */
  async function located(uri: string): Promise<string> {
    const logged = /^models:\/(m-[0-9a-f]{32})$/.exec(uri);
    if (logged?.[1] === undefined) return uri;
    return (await loggedModel(logged[1])).info.artifact_uri;
  }

  async function loggedModel(id: string) {
    const info = z.object({ artifact_uri: text, name: text.optional(), source_run_id: text.optional() });
    const answer = z.object({ model: z.object({ info }) });
    return (await ask(`/api/2.0/mlflow/logged-models/${encodeURIComponent(id)}`, answer)).model;
  }

  async function version(uri: Extract<ModelUri, { readonly model: string }>): Promise<z.output<typeof versionSchema>> {
    switch (uri.kind) {
      case 'version': {
        const path = `/api/2.0/mlflow/model-versions/get?${query({ name: uri.model, version: uri.version })}`;
        return (await ask(path, z.object({ model_version: versionSchema }))).model_version;
      }
      case 'alias': {
        const path = `/api/2.0/mlflow/registered-models/alias?${query({ name: uri.model, alias: uri.alias })}`;
        return (await ask(path, z.object({ model_version: versionSchema }))).model_version;
      }
      case 'stage': {
        const stages = uri.stage === 'latest' ? {} : { stages: uri.stage };
        const path = `/api/2.0/mlflow/registered-models/get-latest-versions?${query({ name: uri.model, ...stages })}`;
        const answer = await ask(path, z.object({ model_versions: z.array(versionSchema).optional() }));
        const found = (answer.model_versions ?? []).toSorted((a, b) => Number(b.version) - Number(a.version));
        if (found[0] !== undefined) return found[0];
        throw new MusterError('mlflow_not_found', `the model ${uri.model} has no version in ${uri.stage}`);
      }
    }
  }

  return {
    url: base,

    async find(uri) {
      if (uri.kind === 'run') {
        const info = z.object({ artifact_uri: text });
        const answer = z.object({ run: z.object({ info }) });
        const { run } = await ask(`/api/2.0/mlflow/runs/get?${query({ run_id: uri.run })}`, answer);
        const lineage: Lineage = { source: 'mlflow', server: base, model: uri.path, version: uri.run, runId: uri.run };
        return { lineage, artifacts: `${run.info.artifact_uri.replace(/\/+$/, '')}/${uri.path}` };
      }
      if (uri.kind === 'logged') {
        const { info } = await loggedModel(uri.id);
        return {
          lineage: {
            source: 'mlflow',
            server: base,
            model: info.name ?? uri.id,
            version: uri.id,
            ...(info.source_run_id === undefined || info.source_run_id === '' ? {} : { runId: info.source_run_id }),
          },
          artifacts: info.artifact_uri,
        };
      }
      const found = await version(uri);
      return {
        lineage: {
          source: 'mlflow',
          server: base,
          model: found.name,
          version: found.version,
          ...(uri.kind === 'alias' ? { alias: uri.alias } : {}),
          ...(found.run_id === undefined || found.run_id === '' ? {} : { runId: found.run_id }),
        },
        artifacts: await artifactsOf(found.name, found.version),
      };
    },

    async aliased(alias) {
      const found: AliasedModel[] = [];
      let read = 0;
      let token = '';
      do {
        const page = { max_results: String(modelsPerPage), ...(token === '' ? {} : { page_token: token }) };
        const answer = await ask(`/api/2.0/mlflow/registered-models/search?${query(page)}`, modelsSchema);
        for (const { name, description = '', aliases = [] } of answer.registered_models ?? []) {
          const named = aliases.find((one) => one.alias === alias);
          if (named !== undefined) found.push({ model: name, version: named.version, description });
        }
        // An empty page may have a next one; a server that never ends is not followed for ever.
        read += Math.max(1, answer.registered_models?.length ?? 0);
        if (read > maxModels) throw new MusterError('mlflow_refused', `${base} has more than ${maxModels} models`);
        token = answer.next_page_token ?? '';
      } while (token !== '');
      return found;
    },

    async list(artifacts) {
      const root = servedPath(artifacts, base);
      const files: ArtifactFile[] = [];
      const walk = async (folder: string, depth: number): Promise<void> => {
        if (depth > maxDepth)
          throw new MusterError('mlflow_refused', `${base} lists folders within folders without end`);
        const path = `/api/2.0/mlflow-artifacts/artifacts?${query({ path: joined(root, folder) })}`;
        const { files: entries = [] } = await ask(path, listSchema);
        for (const entry of entries) {
          const own = joined(folder, checkedName(entry.path, base));
          if (entry.is_dir === true) await walk(own, depth + 1);
          else {
            if (files.length === maxFiles)
              throw new MusterError('mlflow_refused', `the model has more than ${maxFiles} files`);
            files.push({ path: own, sizeBytes: entry.file_size === undefined ? undefined : Number(entry.file_size) });
          }
        }
      };
      await walk('', 0);
      if (files.length === 0)
        throw new MusterError('mlflow_not_found', `${base} has no files at ${artifacts}`, {
          remedy: 'Check in MLflow that the version has artifacts.',
        });
      return files;
    },

    async open(artifacts, path) {
      const whole = joined(servedPath(artifacts, base), path);
      const encoded = whole.split('/').map(encodeURIComponent).join('/');
      const response = await request(`/api/2.0/mlflow-artifacts/artifacts/${encoded}`);
      if (response.body === null) return new Blob([]).stream();
      return withStallLimit(response.body, timeoutMs, base);
    },
  };
}

/** Entries name themselves relative to the listed folder, in older servers with their whole path. */
function checkedName(path: string, base: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (name === '' || name === '.' || name === '..' || name.includes('\\') || name.includes('\0'))
    throw new MusterError('mlflow_refused', `${base} lists a file whose name is none`);
  return name;
}

/** The path below the server's artifact root. Throws `mlflow_artifacts_unreachable` where others keep the files. */
function servedPath(artifacts: string, base: string): string {
  const match = /^mlflow-artifacts:(?:\/\/([^/]*))?\/*(.*)$/.exec(artifacts);
  const host = match?.[1] ?? '';
  if (match?.[2] === undefined || (host !== '' && host !== new URL(base).host))
    throw new MusterError(
      'mlflow_artifacts_unreachable',
      `the files are at ${withoutCredentials(artifacts)}, which ${base} does not serve`,
    );
  return match[2].replace(/\/+$/, '');
}

function joined(folder: string, name: string): string {
  return folder === '' ? name : name === '' ? folder : `${folder}/${name}`;
}

function query(values: Readonly<Record<string, string>>): string {
  return new URLSearchParams(values).toString();
}

function addressOf(options: MlflowServerOptions): { readonly base: string; readonly credentials: string | undefined } {
  let url: URL;
  try {
    url = new URL(options.url);
  } catch {
    throw new MusterError('invalid_request', 'the address of the MLflow server is no URL', {
      remedy: 'Write it as http://localhost:5000.',
    });
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new MusterError('invalid_request', 'an MLflow server is reached by http:// or https://');
  const username = options.username ?? (url.username === '' ? undefined : decodeURIComponent(url.username));
  const password = options.password ?? decodeURIComponent(url.password);
  const base = `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
  if (username !== undefined) {
    const pair = String.fromCharCode(...new TextEncoder().encode(`${username}:${password}`));
    return { base, credentials: `Basic ${btoa(pair)}` };
  }
  return { base, credentials: options.token === undefined ? undefined : `Bearer ${options.token}` };
}

const errorSchema = z.object({ error_code: text.optional(), message: text.optional() });

async function refusal(response: Response, base: string): Promise<MusterError> {
  const body = await boundedText(response, 64 * 1024, base).catch(() => '');
  const told = errorSchema.safeParse(parsed(body));
  const message =
    told.success && told.data.message !== undefined ? told.data.message.slice(0, 500) : response.statusText;
  if (response.status === 401 || response.status === 403)
    return new MusterError('mlflow_refused', `${base} refuses the credentials: ${message}`, {
      remedy: 'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.',
    });
  const isUnknownAlias = told.success && told.data.error_code === 'INVALID_PARAMETER_VALUE' && /alias/i.test(message);
  if (response.status === 404 || isUnknownAlias)
    return new MusterError('mlflow_not_found', `${base} has no such model, version or alias: ${message}`);
  return new MusterError('mlflow_refused', `${base} answered ${response.status}: ${message}`);
}

async function boundedText(response: Response, maxBytes: number, base: string): Promise<string> {
  const decoder = new TextDecoder();
  let size = 0;
  let whole = '';
  if (response.body === null) return whole;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return whole + decoder.decode();
    size += value.byteLength;
    if (size > maxBytes) {
      await reader.cancel();
      throw new MusterError('mlflow_refused', `an answer of ${base} is longer than ${maxBytes} bytes`);
    }
    whole += decoder.decode(value, { stream: true });
  }
}

/** A body that fails when nothing has come for a while. */
function withStallLimit(body: ReadableStream<Uint8Array>, timeoutMs: number, base: string): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const limit = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(stalled(base)), timeoutMs);
      });
      try {
        const { done, value } = await Promise.race([reader.read(), limit]);
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        void reader.cancel().catch(() => undefined);
        throw error;
      } finally {
        clearTimeout(timer);
      }
    },
    async cancel(reason) {
      await reader.cancel(reason);
    },
  });
}

function stalled(base: string): MusterError {
  return new MusterError('mlflow_unreachable', `${base} stopped sending in the middle of a file`);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return cause instanceof Error ? cause.message : 'unknown cause';
}

function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}
