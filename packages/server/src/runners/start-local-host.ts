import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock } from '../platform/clock/index.ts';
import { makePrivateFolder } from '../platform/processes/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import type { Program } from './confine.ts';
import {
  type PythonEnvironments,
  type PythonSettings,
  createPythonEnvironments,
} from './environments/python-environments.ts';
import { type IsolationWish, probeIsolation } from './isolation.ts';
import { defaultPythonMemoryBytes } from './limits.ts';
import { LocalRuntimeHost } from './local-runtime-host.ts';
import { nodeFolders, onnxInspection, onnxProgram } from './onnx-program.ts';
import { type PythonPrograms, pythonPrograms } from './python-program.ts';

export interface LocalHostSettings {
  readonly dataDir: string;
  readonly runtimeDir: string;
  readonly configDir: string;
  /** Nothing else may be in the folder of the keys of secrets: it is hidden from runners. */
  readonly secrets?: { readonly keyFile: string } | undefined;
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
  readonly python: PythonSettings & { readonly memoryBytes?: number | undefined };
}

export interface LocalHostStart {
  readonly configuration: LocalHostSettings;
  /** How the ONNX runtime is started, where it is not the one that comes along. */
  readonly onnx?: Program | undefined;
  /** How the program that inspects ONNX files is started, likewise. */
  readonly inspection?: Program | undefined;
  /** The programs of the Python runtime, likewise. */
  readonly python?: (() => PythonPrograms) | undefined;
  /** Where Python environments come from, where they are not made here. */
  readonly pythonEnvironments?: PythonEnvironments | undefined;
  /** What a Python runner may write besides its models, where it is not the usual. */
  readonly pythonScratchBytes?: number | undefined;
  /** False: cages get no users of their own, also where we are root. */
  readonly ownUsers?: boolean | undefined;
  /** The environment of runners, whole. */
  readonly environment: Readonly<Record<string, string>>;
  /** That of what makes Python environments: it leads to package indexes. */
  readonly toolEnvironment: Readonly<Record<string, string>>;
  readonly software: string;
  readonly log: Logger;
}

/** A runner that does not answer this long after its start is ended. */
const startMs = 30_000;
/** Starts at the same time: each takes a core for 150 ms. */
const parallelStarts = 4;

/** What a Python runner may write besides its models: caches of compiled code, temporary files. */
const scratchAllowanceBytes = 2 * 1024 ** 3;

/** Finds out how runners can be caged here and starts the host of this machine. Throws `isolation_unavailable`. */
export async function startLocalRuntimeHost({
  configuration,
  onnx,
  inspection,
  python,
  pythonEnvironments,
  pythonScratchBytes,
  ownUsers,
  environment,
  toolEnvironment,
  software,
  log,
}: LocalHostStart): Promise<LocalRuntimeHost> {
  const { runtimeDir, dataDir, configDir } = configuration;
  const cagesFolder = join(dataDir, 'runners');
  makePrivateFolder(cagesFolder);
  // What does not exist cannot be covered, and would be seen when it is made later.
  mkdirSync(configDir, { recursive: true, mode: 0o700 });
  const keys = configuration.secrets === undefined ? [] : [dirname(configuration.secrets.keyFile)];
  for (const folder of keys) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const hidden = [dataDir, runtimeDir, configDir, ...keys];
  const node = { command: process.execPath, readable: nodeFolders() };
  const isolation = await probeIsolation({
    wish: configuration.runners.isolation,
    cagesFolder,
    runtimeDir,
    hidden,
    environment,
    node,
    ownUsers: ownUsers ?? true,
  });
  log.info({ level: isolation.level }, isolation.advice);
  const host = new LocalRuntimeHost({
    cagesFolder,
    runtimeDir,
    hidden,
    isolation,
    onnx: onnx ?? onnxProgram(),
    inspection: inspection ?? onnxInspection(),
    python: python ?? pythonPrograms,
    environments:
      pythonEnvironments ??
      createPythonEnvironments({
        folder: join(dataDir, 'environments'),
        toolsFolder: join(dataDir, 'tools'),
        settings: configuration.python,
        environment: toolEnvironment,
        cage: { isolation, runtimeDir, hidden },
        clock: systemClock,
        log,
      }),
    environment,
    limits: {
      hangMs: configuration.runners.hangMs,
      loadMs: configuration.runners.loadMs,
      parallelLoads: configuration.runners.parallelLoads,
      startMs,
      parallelStarts,
      inspectionMs: configuration.limits.inspectionMs,
      inspectionMemoryBytes: configuration.limits.inspectionMemoryBytes,
      pythonMemoryBytes: configuration.python.memoryBytes ?? defaultPythonMemoryBytes(),
      pythonScratchBytes: pythonScratchBytes ?? scratchAllowanceBytes,
    },
    software,
    clock: systemClock,
    log,
  });
  host.start();
  return host;
}
