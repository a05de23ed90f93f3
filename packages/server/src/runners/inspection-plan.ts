import { stat } from 'node:fs/promises';
import type { KernelLimits, Program } from './confine.ts';
import { chooseInterpreter } from './environments/interpreters.ts';
import type { PythonEnvironments } from './environments/python-environments.ts';
import type { Isolation } from './isolation.ts';
import { pythonLimits } from './limits.ts';
import {
  type PythonHome,
  type PythonPrograms,
  checkReachable,
  pythonEnvironment,
  pythonProgram,
} from './python-program.ts';
import type { InspectionRequest } from './runtime-host.ts';

export interface InspectionLimits {
  /** Of an inspection that loads nothing, or an ONNX model. */
  readonly inspectionMs: number;
  readonly inspectionMemoryBytes: number;
  /** Of a proof, which loads a model as a runner does. */
  readonly loadMs: number;
  readonly pythonMemoryBytes: number;
  /** Besides the model itself, unpacked. */
  readonly pythonScratchBytes: number;
}

/** How one inspection runs. */
export interface InspectionPlan {
  /** Paths are those in the cage. */
  readonly program: (seen: { readonly file: string; readonly sample: string | undefined }) => Program;
  readonly environment: (scratch: string) => Readonly<Record<string, string>>;
  readonly kernelLimits: (uid: number | null) => KernelLimits | undefined;
  readonly sampleFile: string | undefined;
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Most bytes that it may write. */
  readonly scratchBytes: number;
  /** Lets go of what it needs; to be called once it has ended. */
  readonly release: () => void;
}

/** What the host of a machine has to inspect files with. */
export interface InspectionMeans {
  readonly isolation: Isolation;
  /** How the program that inspects ONNX files is started; the path of the file is added. */
  readonly inspection: Program;
  /** The programs of the Python runtime; found when the first of them is needed. */
  readonly python: () => PythonPrograms;
  readonly environments: PythonEnvironments;
  /** The environment of what runs or looks at models, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: InspectionLimits;
}

const lookScratchBytes = 0;
/** A proof is done once a version; it need not be alone to be quick. */
const proofThreads = 2;

/** Which program looks at a file, in what and within which limits. Throws what `ensure` throws, and `python_not_found`. */
export async function planInspection(
  request: InspectionRequest,
  means: InspectionMeans,
  signal: AbortSignal,
): Promise<InspectionPlan> {
  switch (request.kind) {
    case 'onnx':
      return onnxPlan(means);
    case 'look':
      return await lookPlan(means, signal);
    case 'prove':
      return await provePlan(request, means, signal);
  }
}

function onnxPlan({ inspection, environment, limits }: InspectionMeans): InspectionPlan {
  return {
    program: ({ file }) => ({ ...inspection, arguments: [...inspection.arguments, file] }),
    environment: () => environment,
    kernelLimits: () => undefined,
    sampleFile: undefined,
    timeoutMs: limits.inspectionMs,
    memoryBytes: limits.inspectionMemoryBytes,
    scratchBytes: 0,
    release: () => {},
  };
}

async function lookPlan(means: InspectionMeans, signal: AbortSignal): Promise<InspectionPlan> {
  const { environments, limits } = means;
  const tool = await environments.ensureTool('look', signal);
  const home = tool ?? (await bareHome(environments));
  const bounds = { memoryBytes: limits.inspectionMemoryBytes, scratchBytes: lookScratchBytes };
  return {
    ...pythonPlan(means, home, bounds, 1),
    program: ({ file }) => pythonProgram(home, means.python().look, [file]),
    sampleFile: undefined,
    timeoutMs: limits.inspectionMs,
    release: tool === null ? () => {} : environments.hold(tool.digest),
  };
}

async function provePlan(
  request: Extract<InspectionRequest, { kind: 'prove' }>,
  means: InspectionMeans,
  signal: AbortSignal,
): Promise<InspectionPlan> {
  const { environments, limits } = means;
  const { size } = await stat(request.file);
  const home = await environments.ensure(request.environment, undefined, signal);
  const bounds = { memoryBytes: limits.pythonMemoryBytes, scratchBytes: limits.pythonScratchBytes + 2 * size };
  return {
    ...pythonPlan(means, home, bounds, proofThreads),
    program: ({ file, sample }) =>
      pythonProgram(home, means.python().prove, [
        '--file',
        file,
        '--format',
        request.format,
        ...(sample === undefined ? [] : ['--sample', sample]),
      ]),
    sampleFile: request.sampleFile,
    timeoutMs: limits.loadMs,
    release: environments.hold(home.digest),
  };
}

type Bounds = Pick<InspectionPlan, 'memoryBytes' | 'scratchBytes'>;

function pythonPlan(
  { isolation, environment }: InspectionMeans,
  home: PythonHome,
  bounds: Bounds,
  threads: number,
): Bounds & Pick<InspectionPlan, 'environment' | 'kernelLimits'> {
  checkReachable(home, isolation);
  return {
    ...bounds,
    environment: (scratch) => pythonEnvironment(environment, scratch, threads),
    kernelLimits: (uid) => pythonLimits({ ...bounds, isolation, uid }),
  };
}

/** Looking needs the standard library only; what the tool's packages would have added is told by the program. */
async function bareHome(environments: PythonEnvironments): Promise<PythonHome> {
  const { executable, readable } = chooseInterpreter(await environments.interpreters(), undefined, undefined);
  return { python: executable, readable };
}
