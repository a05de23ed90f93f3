import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../platform/clock/index.ts';
import { makePrivateFolder } from '../platform/processes/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import type { Program } from './confine.ts';
import { type IsolationWish, probeIsolation } from './isolation.ts';
import { LocalRuntimeHost } from './local-runtime-host.ts';
import { nodeFolders, onnxInspection, onnxProgram } from './onnx-program.ts';

export interface LocalHostSettings {
  readonly dataDir: string;
  readonly runtimeDir: string;
  readonly configDir: string;
  readonly runners: {
    readonly isolation: IsolationWish;
    readonly hangMs: number;
    readonly loadMs: number;
    readonly parallelLoads: number;
  };
  readonly limits: {
    readonly inspectionMs: number;
    readonly inspectionMemoryBytes: number;
  };
}

export interface LocalHostStart {
  readonly configuration: LocalHostSettings;
  /** How the ONNX runtime is started, where it is not the one that comes along. */
  readonly onnx?: Program | undefined;
  /** How the program that inspects ONNX files is started, likewise. */
  readonly inspection?: Program | undefined;
  /** The environment of runners, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly software: string;
  readonly log: Logger;
}

/** A runner that does not answer this long after its start is ended. */
const startMs = 30_000;
/** Starts at the same time: each takes a core for 150 ms. */
const parallelStarts = 4;

/** Finds out how runners can be caged here and starts the host of this machine. Throws `isolation_unavailable`. */
export async function startLocalRuntimeHost({
  configuration,
  onnx,
  inspection,
  environment,
  software,
  log,
}: LocalHostStart): Promise<LocalRuntimeHost> {
  const { runtimeDir, dataDir, configDir } = configuration;
  const cagesFolder = join(dataDir, 'runners');
  makePrivateFolder(cagesFolder);
  // What does not exist cannot be covered, and would be seen when it is made later.
  mkdirSync(configDir, { recursive: true, mode: 0o700 });
  const hidden = [dataDir, runtimeDir, configDir];
  const node = { command: process.execPath, readable: nodeFolders() };
  const isolation = await probeIsolation({
    wish: configuration.runners.isolation,
    cagesFolder,
    runtimeDir,
    hidden,
    environment,
    node,
  });
  log.info({ level: isolation.level }, isolation.advice);
  const host = new LocalRuntimeHost({
    cagesFolder,
    runtimeDir,
    hidden,
    isolation,
    programs: { onnx: onnx ?? onnxProgram() },
    inspection: inspection ?? onnxInspection(),
    environment,
    limits: {
      hangMs: configuration.runners.hangMs,
      loadMs: configuration.runners.loadMs,
      parallelLoads: configuration.runners.parallelLoads,
      startMs,
      parallelStarts,
      inspectionMs: configuration.limits.inspectionMs,
      inspectionMemoryBytes: configuration.limits.inspectionMemoryBytes,
    },
    software,
    clock: systemClock,
    log,
  });
  host.start();
  return host;
}
