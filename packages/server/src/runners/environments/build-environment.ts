import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EnvironmentSpec, MusterError } from '@muster-ml/protocol';
import type { Clock } from '../../platform/clock/index.ts';
import type { CommandLine } from '../confine.ts';
import { createCacheGrowth } from './cache-growth.ts';
import { compileProgram } from './compile-program.ts';
import { type Marker, cacheFolderOf, finish, makeUnfinished, sizeOf, workFolderOf } from './environment-folder.ts';
import type { Interpreter } from './interpreters.ts';
import {
  type SourceSettings,
  allowedHosts,
  readableForBuilds,
  sourceArguments,
  sourceVariables,
} from './package-sources.ts';
import { type Requirement, readPins } from './requirement.ts';
import { type ConfineBuild, type UvEnd, runUv, tooLarge } from './run-uv.ts';
import { errorOfUv } from './uv-failure.ts';
import { progressOf } from './uv-progress.ts';
import type { Uv } from './uv-program.ts';

export interface BuildSettings extends SourceSettings {
  readonly environmentMs: number;
  readonly maxEnvironmentBytes: number;
}

/** What all builds of a host share. */
export interface Builder {
  readonly uv: Uv;
  readonly settings: BuildSettings;
  readonly folder: string;
  /** The environment of uv, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly confine: ConfineBuild;
  readonly clock: Clock;
}

/** One build: until when, for whom. */
export interface BuildTurn {
  readonly interpreter: Interpreter;
  /** The other minor versions that are here, for advice. */
  readonly otherPythons: readonly string[];
  readonly untilMs: number;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

const quietly = ['--no-config', '--color', 'never'];
/** What the cache may hold of things that do not end in the environment: archives and their contents. */
const unpackShare = 2;

/**
 * Chooses exact versions of everything that the requirements need, for this interpreter on this machine.
 * Throws `environment_unresolvable`, `environment_failed`, `environment_too_large`, `disk_full` and the signal's reason.
 */
export async function resolvePins(
  builder: Builder,
  requirements: readonly Requirement[],
  turn: BuildTurn,
): Promise<EnvironmentSpec> {
  const { interpreter, onProgress } = turn;
  if (requirements.length === 0) return { python: interpreter.minor, requirements: [] };
  const count = requirements.length === 1 ? '1 requirement' : `${requirements.length} requirements`;
  onProgress(`resolving ${count} for Python ${interpreter.minor}`);
  const compile = [
    ...'pip compile - --no-header --no-annotate --python'.split(' '),
    interpreter.executable,
    ...quietly,
    ...sourceArguments(builder.settings),
  ];
  const input = requirements.map(({ text }) => `${text}\n`).join('');
  const names = requirements.map(({ name }) => name);
  const end = await run(builder, turn, uvLine(builder, compile), { input, making: undefined, versions: new Map() });
  if (!end.isDone) throw failureOf(builder, turn, end, names);
  const pins = end.output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  readPins(pins);
  return { python: interpreter.minor, requirements: pins.toSorted() };
}

/**
 * Makes the environment of exact versions at a path, or nothing: it is made beside and renamed when it is whole.
 * Throws as `resolvePins` does.
 */
export async function buildEnvironment(
  builder: Builder,
  spec: EnvironmentSpec,
  at: string,
  turn: BuildTurn,
): Promise<Marker> {
  const { interpreter, onProgress } = turn;
  const { settings, folder } = builder;
  const versions = readPins(spec.requirements);
  const making = await makeUnfinished(folder);
  try {
    const venv = ['venv', '--relocatable', '--allow-existing', '--no-project', '--python', interpreter.executable];
    const made = await run(builder, turn, uvLine(builder, [...venv, ...quietly, making]), { making, versions });
    if (!made.isDone) throw failureOf(builder, turn, made, []);
    if (versions.size > 0) {
      onProgress(`installing ${versions.size === 1 ? '1 package' : `${versions.size} packages`}`);
      const install = [
        ...'pip install --no-deps -r - --python'.split(' '),
        join(making, 'bin/python'),
        ...quietly,
        ...sourceArguments(settings),
      ];
      const input = spec.requirements.map((pin) => `${pin}\n`).join('');
      const installed = await run(builder, turn, uvLine(builder, install), { input, making, versions });
      if (!installed.isDone) throw failureOf(builder, turn, installed, [...versions.keys()]);
      onProgress('compiling');
      const compile = ['-I', '-S', '-c', compileProgram, join(making, 'lib')];
      // One that is not compiled is slower to start, and nothing else.
      await run(builder, turn, { command: interpreter.executable, arguments: compile }, { making, versions });
    }
    const sizeBytes = await sizeOf(making);
    if (sizeBytes > settings.maxEnvironmentBytes) throw tooLarge(sizeBytes, settings.maxEnvironmentBytes);
    turn.signal.throwIfAborted();
    return await finish(making, at, { spec, interpreter });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

function uvLine({ uv }: Builder, uvArguments: readonly string[]): CommandLine {
  return { command: uv.command, arguments: uvArguments };
}

interface RunDetails {
  readonly input?: string;
  readonly making: string | undefined;
  readonly versions: ReadonlyMap<string, string>;
}

async function run(
  builder: Builder,
  turn: BuildTurn,
  line: CommandLine,
  { input, making, versions }: RunDetails,
): Promise<UvEnd> {
  const { uv, settings, folder, environment, confine, clock } = builder;
  const cacheFolder = cacheFolderOf(folder);
  const temporary = await makeUnfinished(folder);
  await mkdir(cacheFolder, { recursive: true, mode: 0o755 });
  const growth = await createCacheGrowth(cacheFolder);
  const remainingMs = turn.untilMs - clock.now();
  try {
    return await runUv({
      line,
      environment: { ...environment, ...sourceVariables(settings, cacheFolder), TMPDIR: temporary },
      workingDirectory: temporary,
      confine,
      reach: {
        folder: workFolderOf(folder),
        readable: [uv.command, ...readableForBuilds(settings, turn.interpreter, environment)],
        hosts: line.command === uv.command ? allowedHosts(settings) : [],
      },
      ...(input === undefined ? {} : { input }),
      timeoutMs: remainingMs,
      checkSize: async () => {
        const { maxEnvironmentBytes } = settings;
        const ownBytes = making === undefined ? 0 : await sizeOf(making);
        if (ownBytes > maxEnvironmentBytes) throw tooLarge(ownBytes, maxEnvironmentBytes);
        const unpackedBytes = await growth.measure();
        if (unpackedBytes > maxEnvironmentBytes * unpackShare) throw tooLarge(unpackedBytes, maxEnvironmentBytes);
      },
      onErrorLine: (said) => {
        const text = progressOf(said, versions);
        if (text !== null) turn.onProgress(text);
      },
      signal: turn.signal,
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function failureOf(
  { settings }: Builder,
  turn: BuildTurn,
  end: Extract<UvEnd, { isDone: false }>,
  packages: readonly string[],
): MusterError {
  const [host] = end.refused;
  if (host !== undefined)
    return new MusterError('environment_failed', `the build wanted to reach ${host}, which is no host of an index`, {
      place: 'python.downloadHosts',
      remedy: `If your index keeps its files there, add ${host} to python.downloadHosts.`,
    });
  return errorOfUv(end.said, {
    python: turn.interpreter.minor,
    otherPythons: turn.otherPythons,
    packages,
    offline: settings.offline,
    allowSourceBuilds: settings.allowSourceBuilds,
  });
}
