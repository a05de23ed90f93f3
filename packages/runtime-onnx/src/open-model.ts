import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { MusterError, type ReplicaOptions } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { explainLoadFailure, shortenRuntimeText } from './load-failure.ts';
import { plansMemory } from './memory-plans.ts';
import { type ModelSession, openSessionHere } from './model-session.ts';
import { belongsInThread, openSessionInThread } from './model-thread.ts';
import type { ModelOutline } from './outline.ts';
import { checkPorts } from './ports.ts';
import { checkFormat, readOutline } from './read-outline.ts';
import { fileSource } from './wire.ts';
import { type ZipMapDrop, dropZipMaps, findZipMaps } from './zipmap.ts';

/** A model that onnxruntime has loaded, and what was changed for that. */
export interface OpenModel {
  readonly outline: ModelOutline;
  readonly session: ModelSession;
  readonly dropped: readonly ZipMapDrop[];
}

/**
 * Loads a model file. What Node cannot be handed (a trailing ZipMap) is changed on the way; files that need no change
 * are loaded by onnxruntime itself from the path.
 *
 * Throws `invalid_model_file`, `unsupported_model`, and `invalid_configuration` for options that have no effect here.
 */
export async function openModel(file: string, options: ReplicaOptions): Promise<OpenModel> {
  const wanted = toSessionOptions(options);
  const descriptor = openFile(file);
  try {
    const outline = outlineOf(descriptor);
    const sessionOptions = { ...wanted, enableMemPattern: options.memoryArena || plansMemory(outline) };
    checkExternalData(outline);
    const dropped = findZipMaps(outline);
    checkPorts(outline, new Set(dropped.map(({ output }) => output.name)));
    if (dropped.length === 0)
      return { outline, dropped, session: await createSession(file, sessionOptions, outline, options) };
    const changed = dropZipMaps(descriptor, outline, dropped);
    const session = await createSession(changed, sessionOptions, outline, options);
    // The runtime has its own copy: give this one back now, and not when the collector happens to come by.
    changed.buffer.transfer(0);
    return { outline, dropped, session };
  } finally {
    closeSync(descriptor);
  }
}

/** Reads the outline of a file; a file that is something else is called by its name. */
function outlineOf(descriptor: number): ModelOutline {
  const { size } = fstatSync(descriptor);
  try {
    return readOutline(fileSource(descriptor, size));
  } catch (thrown) {
    const head = new Uint8Array(Math.min(size, 64));
    readSync(descriptor, head, 0, head.byteLength, 0);
    checkFormat(head, size);
    throw thrown;
  }
}

function openFile(file: string): number {
  try {
    const descriptor = openSync(file, 'r');
    if (fstatSync(descriptor).isFile()) return descriptor;
    closeSync(descriptor);
  } catch (thrown) {
    throw new MusterError(
      'invalid_model_file',
      `the model file cannot be opened (${(thrown as NodeJS.ErrnoException).code})`,
      { cause: thrown },
    );
  }
  throw new MusterError('invalid_model_file', 'what should be the model file is none');
}

/** One file is what a version is: data beside it would not be there when it is served, and elsewhere they are not its own. */
function checkExternalData({ external }: ModelOutline): void {
  const [first] = external;
  if (first === undefined) return;
  const escaping = external.find(({ location }) => leavesFolder(location));
  if (escaping !== undefined) {
    throw new MusterError(
      'invalid_model_file',
      `tensor "${escaping.tensor}" reads its data from "${escaping.location}", which is outside the folder of the model`,
      {
        remedy: 'Save the model as one file: onnx.save_model(onnx.load(path), new_path, save_as_external_data=False).',
      },
    );
  }
  throw new MusterError(
    'unsupported_model',
    `tensor "${first.tensor}" has its data in another file, "${first.location}"`,
    {
      remedy: 'Save the model as one file: onnx.save_model(onnx.load(path), new_path, save_as_external_data=False).',
    },
  );
}

function leavesFolder(location: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:)/u.test(location) || location.split(/[/\\]/u).includes('..');
}

async function createSession(
  source: string | Uint8Array,
  sessionOptions: ort.InferenceSession.SessionOptions,
  outline: ModelOutline,
  options: ReplicaOptions,
): Promise<ModelSession> {
  const open = belongsInThread(outline) ? openSessionInThread : openSessionHere;
  try {
    return await open(source, sessionOptions);
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : '';
    const providers = options.executionProviders.filter((name) => name !== 'cpu');
    if (providers.length > 0 && isProviderFailure(text)) {
      throw new MusterError(
        'invalid_configuration',
        `execution provider ${providers.join(', ')} does not start on this machine: ${shortenRuntimeText(text)}`,
        {
          remedy: `Use "cpu", or install what the provider needs. This runtime knows ${knownProviders().join(', ')}.`,
          cause: thrown,
        },
      );
    }
    throw explainLoadFailure(thrown, outline);
  }
}

function isProviderFailure(text: string): boolean {
  return /ExecutionProvider_|webgpu|WebGPU|backend not found|shared library|executionProviders/u.test(text);
}

function knownProviders(): string[] {
  return ort.listSupportedBackends().map(({ name }) => name);
}

/** onnxruntime's options; each of ours is one of its, or is refused. */
function toSessionOptions({
  intraOpThreads,
  memoryArena,
  executionProviders,
  graphOptimization,
}: ReplicaOptions): ort.InferenceSession.SessionOptions {
  const known = knownProviders();
  const stranger = executionProviders.find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw new MusterError('invalid_configuration', `there is no execution provider "${stranger}" in this runtime`, {
      remedy: `Use one of ${known.join(', ')}.`,
    });
  }
  if (!Number.isSafeInteger(intraOpThreads) || intraOpThreads < 0 || intraOpThreads > 1024) {
    throw new MusterError('invalid_configuration', `intraOpThreads is ${intraOpThreads}`, {
      remedy: 'Use a number from 0 (the runtime chooses) to 1024.',
    });
  }
  return {
    executionProviders: executionProviders.length === 0 ? ['cpu'] : executionProviders,
    intraOpNumThreads: intraOpThreads,
    // One operator after the other: threads between operators would only be idle.
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableCpuMemArena: memoryArena,
    graphOptimizationLevel: graphOptimization,
    // Its messages hold paths and values of rows; what matters comes as an error.
    logSeverityLevel: 4,
    // A runner shares its machine: threads that wait for the next run must not burn it meanwhile. (A small network on two
    // threads: the same median without spinning, a tenth of the p95 beside other work, half of the CPU time.)
    extra: { 'session.intra_op.allow_spinning': '0' },
  };
}
