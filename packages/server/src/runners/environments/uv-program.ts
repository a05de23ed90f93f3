import { access, constants, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { runProgram } from '../../platform/processes/index.ts';
import type { Interpreter } from './interpreters.ts';
import type { SourceSettings } from './package-sources.ts';
import { withoutCredentials } from './requirement.ts';

/** The program that makes environments. */
export interface Uv {
  readonly command: string;
  readonly version: string;
}

/** The version that is installed where there is none; newer ones on the PATH do as well. */
export const pinnedUvVersion = '0.13.9';
/** Since when there is all that is used here. */
const oldestUv: readonly [number, number] = [0, 6];

export interface UvSearch {
  /** The program of the configuration; then nothing else is tried. */
  readonly configured: string | undefined;
  readonly sources: SourceSettings;
  /** The environment of tools, whole. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where uv is installed, in a folder of its version. */
  readonly toolsFolder: string;
  /** Those that can install it, the first that works does. */
  readonly interpreters: readonly Interpreter[];
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

const askMs = 20_000;
const installMs = 300_000;

/**
 * The uv to use: of the configuration, on the PATH, installed before, or installed now from the package index.
 * Throws `environment_failed`, which says how to install it.
 */
export async function findUv(search: UvSearch): Promise<Uv> {
  const { configured, environment, toolsFolder } = search;
  if (configured !== undefined) {
    const uv = await askUv(configured, environment);
    if (uv !== null) return uv;
    throw new MusterError('environment_failed', `${configured} does not answer as uv ${oldestUv.join('.')} or newer`, {
      place: 'python.uv',
      remedy: 'Correct python.uv, or leave it out: uv is found or installed by itself.',
    });
  }
  const onPath = await askUv('uv', environment);
  if (onPath !== null) return { ...onPath, command: (await pathOf('uv', environment)) ?? onPath.command };
  const installed = join(toolsFolder, `uv-${pinnedUvVersion}`);
  return (await askUv(join(installed, 'bin/uv'), environment)) ?? (await installUv(search, installed));
}

/** Null where it does not answer, or is too old. */
async function askUv(command: string, environment: UvSearch['environment']): Promise<Uv | null> {
  const end = await runProgram({
    command,
    arguments: ['--version'],
    environment,
    timeoutMs: askMs,
    maxOutputBytes: 4096,
  });
  if (end.outcome !== 'done') return null;
  const [, version] = /^uv (\d+\.\d+\.\d+)/.exec(new TextDecoder().decode(end.output)) ?? [];
  if (version === undefined) return null;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNewEnough = major > oldestUv[0] || (major === oldestUv[0] && minor >= oldestUv[1]);
  return isNewEnough ? { command, version } : null;
}

async function pathOf(program: string, environment: UvSearch['environment']): Promise<string | null> {
  for (const folder of (environment['PATH'] ?? '').split(':')) {
    const file = join(folder, program);
    const isThere = await access(file, constants.X_OK).then(
      () => folder.startsWith('/'),
      () => false,
    );
    if (isThere) return file;
  }
  return null;
}

/** With pip into a folder, which needs no virtual environment; where an interpreter has no pip, with that of one made for it. */
async function installUv(search: UvSearch, at: string): Promise<Uv> {
  const { interpreters, environment, onProgress } = search;
  onProgress(`installing uv ${pinnedUvVersion}, once`);
  let lastReason = 'no Python was found that could install it';
  for (const { executable } of interpreters) {
    const making = `${at}.making-${process.pid}`;
    await rm(making, { recursive: true, force: true });
    await mkdir(making, { recursive: true, mode: 0o755 });
    try {
      const failure =
        (await runPython(search, executable, pipArguments(search.sources, ['--target', making]))) &&
        ((await runPython(search, executable, ['-m', 'venv', making])) ??
          (await runPython(search, join(making, 'bin/python'), pipArguments(search.sources, []))));
      const uv = failure === null ? await askUv(join(making, 'bin/uv'), environment) : null;
      if (uv !== null) {
        await rm(at, { recursive: true, force: true });
        await rename(making, at);
        return { ...uv, command: join(at, 'bin/uv') };
      }
      lastReason = failure ?? 'it was installed and does not start';
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }
  throw new MusterError('environment_failed', `uv, which makes environments, could not be installed: ${lastReason}`, {
    place: 'python.uv',
    remedy: `Install uv (https://docs.astral.sh/uv/) and start Muster again, name it in python.uv, or put the wheel of uv ${pinnedUvVersion} into a folder of python.wheelFolders.`,
  });
}

function pipArguments(sources: SourceSettings, where: readonly string[]): readonly string[] {
  return [
    ...'-m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all:'.split(' '),
    ...where,
    ...(sources.offline ? ['--no-index'] : []),
    ...sources.wheelFolders.flatMap((folder) => ['--find-links', folder]),
    `uv==${pinnedUvVersion}`,
  ];
}

/** Addresses are not arguments: those everybody can read. */
function pipVariables({ indexes }: SourceSettings): Readonly<Record<string, string>> {
  const [first, ...others] = indexes.map((index) => index.replace(/^[A-Za-z0-9_-]+=/, ''));
  return {
    ...(first === undefined ? {} : { PIP_INDEX_URL: first }),
    ...(others.length === 0 ? {} : { PIP_EXTRA_INDEX_URL: others.join(' ') }),
  };
}

/** Null when it went well, else what it said. */
async function runPython(
  search: UvSearch,
  python: string,
  programArguments: readonly string[],
): Promise<string | null> {
  const end = await runProgram({
    command: '/bin/sh',
    arguments: ['-c', 'umask 022; exec "$@"', 'sh', python, '-I', ...programArguments],
    environment: { ...search.environment, ...pipVariables(search.sources) },
    timeoutMs: installMs,
    maxOutputBytes: 1024 * 1024,
    signal: search.signal,
  });
  search.signal.throwIfAborted();
  if (end.outcome === 'done') return null;
  const said = withoutCredentials(end.errorTail)
    .trim()
    .split('\n')
    .findLast((line) => /error/i.test(line));
  return said ?? end.detail;
}
