import type { Clock } from '../platform/clock/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import type { Program } from './confine.ts';
import type { PythonEnvironments } from './environments/python-environments.ts';
import type { InspectionLimits } from './inspection-plan.ts';
import type { Isolation } from './isolation.ts';
import type { PythonPrograms } from './python-program.ts';

/** What the runtime host of one machine is made of. */
export interface LocalRuntimeHostOptions {
  /** Folder of the cages, on the file system of the models so that they can be linked. */
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** What runners must not see. */
  readonly hidden: readonly string[];
  readonly isolation: Isolation;
  /** How the ONNX runtime is started; `--listen unix:…` is added. */
  readonly onnx: Program;
  /** How the program that inspects ONNX files is started; the path of the file is added. */
  readonly inspection: Program;
  /** Found when the first of them is needed. */
  readonly python: () => PythonPrograms;
  readonly environments: PythonEnvironments;
  /** The environment of runners, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: HostLimits;
  readonly software: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Times and amounts that the host holds its runners to. */
export interface HostLimits extends InspectionLimits {
  readonly hangMs: number;
  readonly startMs: number;
  readonly parallelLoads: number;
  readonly parallelStarts: number;
}
