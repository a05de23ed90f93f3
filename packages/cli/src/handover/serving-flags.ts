import type { Runtime, SecretVariables, ServingSettings } from '@muster-ml/protocol';
import { readCores } from '../units/cores.ts';
import { readCount } from '../units/count.ts';
import { readDuration } from '../units/duration.ts';
import { readSize } from '../units/size.ts';
import { readSecretFlags } from './read-secret-flags.ts';

/** The flags of how a version is served, as they were typed. */
export interface ServingFlags {
  readonly replicas?: string;
  readonly batchRows?: string;
  readonly batchWait?: string;
  readonly memory?: string;
  readonly cpu?: string;
  readonly threads?: string;
  readonly ownRunner?: boolean;
  readonly secret?: readonly string[];
}

/** What of the settings was given; a missing one keeps its value. */
export interface ServingWish {
  readonly replicas?: number | undefined;
  readonly ownRunner?: boolean | undefined;
  readonly cpu?: number | null | undefined;
  readonly memoryBytes?: number | null | undefined;
  readonly maxRows?: number | undefined;
  readonly waitMs?: number | undefined;
  /** Threads within one run. */
  readonly threads?: number | undefined;
  /** References by variable; null leaves one out. */
  readonly secrets?: Readonly<Record<string, string | null>> | undefined;
}

/** Throws `UsageError` for a value that cannot be read. */
export function readServingFlags(flags: ServingFlags): ServingWish {
  return {
    replicas: given(flags.replicas, (text) => readCount('--replicas', text, 1)),
    maxRows: given(flags.batchRows, (text) => readCount('--batch-rows', text, 1)),
    waitMs: given(flags.batchWait, (text) => readDuration('--batch-wait', text)),
    memoryBytes: given(flags.memory, (text) => (text === 'none' ? null : readSize('--memory', text))),
    cpu: given(flags.cpu, (text) => (text === 'none' ? null : readCores('--cpu', text))),
    threads: given(flags.threads, (text) => readCount('--threads', text, 0)),
    ownRunner: flags.ownRunner,
    secrets: flags.secret === undefined ? undefined : readSecretFlags(flags.secret),
  };
}

/**
 * The settings to deploy with: those of the live deployment, where there is one, changed by what was given. What belongs to
 * another runtime than that of the version is left behind, because it has no effect there.
 */
export function servingSettings(
  wish: ServingWish,
  current: ServingSettings | undefined,
  runtime: Runtime,
): DeepPartial<ServingSettings> {
  const resources = { ...current?.resources };
  if (wish.cpu !== undefined) resources.cpu = wish.cpu ?? undefined;
  if (wish.memoryBytes !== undefined) resources.memoryBytes = wish.memoryBytes ?? undefined;
  const secrets = secretsOf(wish, current, runtime);
  return withoutUndefined({
    replicas: wish.replicas ?? current?.replicas,
    ownRunner: wish.ownRunner ?? current?.ownRunner,
    resources: withoutUndefined(resources),
    batching: withoutUndefined({
      maxRows: wish.maxRows ?? current?.batching.maxRows,
      waitMs: wish.waitMs ?? current?.batching.waitMs,
    }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
    ...(runtime === 'onnx'
      ? { onnx: withoutUndefined({ ...current?.onnx, intraOpThreads: wish.threads ?? current?.onnx.intraOpThreads }) }
      : { python: withoutUndefined({ ...current?.python, threads: wish.threads ?? current?.python.threads }) }),
  });
}

/** What was given is sent also for an ONNX version, whose server refuses it; what was live before is left behind there. */
function secretsOf(wish: ServingWish, current: ServingSettings | undefined, runtime: Runtime): SecretVariables {
  const wished = { ...(runtime === 'python' ? current?.secrets : {}), ...wish.secrets };
  return Object.fromEntries(
    Object.entries(wished).flatMap(([name, reference]) => (reference === null ? [] : [[name, reference]])),
  );
}

/** The settings that differ from the defaults, in words, such as `3 replicas, 512 MiB`. */
export function keptSettingsText(current: ServingSettings): string {
  const parts = [];
  if (current.replicas !== 1) parts.push(`${current.replicas} replicas`);
  if (current.ownRunner) parts.push('a runner of its own');
  if (current.resources.cpu !== undefined) parts.push(`cpu ${current.resources.cpu}`);
  if (current.resources.memoryBytes !== undefined)
    parts.push(`memory ${Math.round(current.resources.memoryBytes / 2 ** 20)}Mi`);
  if (current.batching.maxRows !== undefined) parts.push(`batches of ${current.batching.maxRows} rows`);
  if (current.batching.waitMs !== 0) parts.push(`batch wait ${current.batching.waitMs}ms`);
  if (current.onnx.intraOpThreads !== 1) parts.push(`${current.onnx.intraOpThreads} threads`);
  if (current.python.threads !== 1) parts.push(`${current.python.threads} threads`);
  const secrets = Object.keys(current.secrets ?? {});
  if (secrets.length > 0) parts.push(`the secrets ${secrets.join(', ')}`);
  return parts.join(', ');
}

/** Whether the settings depend on which runtime the version has. */
export function needRuntime({ threads, secrets }: ServingWish, current: ServingSettings | undefined): boolean {
  return threads !== undefined || secrets !== undefined || current !== undefined;
}

type DeepPartial<T> = {
  [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object ? DeepPartial<T[K]> : T[K];
};
type WithoutUndefined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as WithoutUndefined<T>;
}

function given<T>(text: string | undefined, read: (text: string) => T): T | undefined {
  return text === undefined ? undefined : read(text);
}
