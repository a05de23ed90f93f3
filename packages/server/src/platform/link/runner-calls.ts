import {
  type HealthReport,
  type InferHeader,
  type LoadRequest,
  type Loaded,
  MusterError,
  type Tensor,
  frameKinds,
  readTensors,
} from '@muster-ml/protocol';
import type { z } from 'zod';
import { healthReportSchema, loadedSchema } from './link-schemas.ts';
import type { RuntimeLink } from './runtime-link.ts';

/** Outputs of one run, as views of the frame that brought them. */
export interface RunnerResult {
  readonly outputs: readonly Tensor[];
  /** Time inside the model, in microseconds. */
  readonly runMicros: number;
}

/** Runs a batch; its payload must not change until `onWritten`, which may never come. Throws what the runner answers (`model_failed`, `replica_not_loaded`, …), `link_lost`, `link_violation`. */
export async function infer(
  link: RuntimeLink,
  header: InferHeader,
  payload: readonly Uint8Array[],
  onWritten?: () => void,
): Promise<RunnerResult> {
  const frame = await link.ask(frameKinds.infer, frameKinds.result, header, payload, onWritten).answer;
  const { outputs, runMicros } = (frame.header ?? {}) as { readonly outputs?: unknown; readonly runMicros?: unknown };
  return { outputs: readTensors(outputs, frame.payload), runMicros: typeof runMicros === 'number' ? runMicros : 0 };
}

/** Loads and warms a replica; `sample` are the bytes of `request.sample`. Takes as long as it takes: the owner limits it. */
export async function load(
  link: RuntimeLink,
  request: LoadRequest,
  sample: readonly Uint8Array[] = [],
): Promise<Loaded> {
  const frame = await link.ask(frameKinds.load, frameKinds.loaded, request, sample).answer;
  return checked(loadedSchema, frame.header, link);
}

/** Releases a replica, after what is queued for it. */
export async function unload(link: RuntimeLink, replica: string): Promise<void> {
  await link.ask(frameKinds.unload, frameKinds.unloaded, { replica }).answer;
}

/** Answered from the queue that runs models, so a hung run shows: the owner limits how long it waits. */
export async function health(link: RuntimeLink): Promise<HealthReport> {
  const frame = await link.ask(frameKinds.health, frameKinds.healthReport, undefined).answer;
  return checked(healthReportSchema, frame.header, link);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, link: RuntimeLink): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new MusterError('link_violation', `${link.address} sent an answer that cannot be read`);
  return parsed.data;
}
