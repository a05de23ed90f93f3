import type { Clock } from '../platform/clock/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import type { Program } from './confine.ts';
import type { InspectionLimits, InspectionMeans } from './inspection-plan.ts';

/** What the runtime host of one machine is made of. */
export interface LocalRuntimeHostOptions extends InspectionMeans {
  /** Folder of the cages, on the file system of the models so that they can be linked. */
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** What runners must not see. */
  readonly hidden: readonly string[];
  /** How the ONNX runtime is started; `--listen unix:…` is added. */
  readonly onnx: Program;
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
