import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { runProgram } from '../../platform/processes/index.ts';

/** A Python of this machine. */
export interface Interpreter {
  /** The base interpreter, never one of a virtual environment. */
  readonly executable: string;
  /** `3.11.7` */
  readonly version: string;
  /** `3.11` */
  readonly minor: string;
  /** What wheels are chosen by: `linux-x86_64 glibc-2.36`. */
  readonly platform: string;
  /** Folders that it needs to run: what a cage must show. */
  readonly readable: readonly string[];
}

export interface InterpreterSearch {
  /** Interpreters of the configuration, which come first. */
  readonly configured: readonly string[];
  /** Its PATH and HOME say where to look. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Long, because a busy machine must not lose an interpreter. */
const answerMs = 20_000;
const parallelQuestions = 4;
const oldestMinor = 8;
/** Newer ones are not taken by themselves: for a year after a Python appears, some package has no wheel for it. */
const newestDefaultMinor = 13;

const question = `
import json, platform, sys, sysconfig
print(json.dumps({
    "isCPython": sys.implementation.name == "cpython" and not sysconfig.get_config_var("Py_GIL_DISABLED"),
    "isFinal": sys.version_info.releaselevel == "final",
    "version": list(sys.version_info[:3]),
    "executable": getattr(sys, "_base_executable", None) or sys.executable,
    "platform": (sysconfig.get_platform() + " " + "-".join(platform.libc_ver())).strip(" -"),
    "readable": [sys.base_prefix, sys.base_exec_prefix, sysconfig.get_path("stdlib"), sysconfig.get_config_var("LIBDIR") or ""],
}))
`;

interface Answer {
  readonly isCPython: boolean;
  readonly isFinal: boolean;
  readonly version: readonly [number, number, number];
  readonly executable: string;
  readonly platform: string;
  readonly readable: readonly string[];
}

/**
 * The Pythons of this machine, found by running them, the preferred one of each minor version first: those of the
 * configuration, on the PATH, in /usr/bin, of pyenv, of uv. What does not answer, such as the shim of a version that is
 * not installed, is left out.
 */
export async function findInterpreters(search: InterpreterSearch): Promise<readonly Interpreter[]> {
  const candidates = await listCandidates(search);
  const answers: (Interpreter | null)[] = [];
  const waiting = [...candidates.entries()];
  const ask = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      answers[next[0]] = await askInterpreter(next[1], search.environment);
  };
  await Promise.all(Array.from({ length: parallelQuestions }, ask));
  const found = new Map<string, Interpreter>();
  for (const interpreter of answers)
    if (interpreter !== null && !found.has(interpreter.executable)) found.set(interpreter.executable, interpreter);
  return [...found.values()];
}

async function listCandidates({ configured, environment }: InterpreterSearch): Promise<readonly string[]> {
  const home = environment['HOME'];
  const onPath = (environment['PATH'] ?? '').split(':').filter((folder) => folder.startsWith('/'));
  const installed = home === undefined ? [] : [join(home, '.pyenv/versions'), join(home, '.local/share/uv/python')];
  const folders = [
    ...onPath,
    '/usr/local/bin',
    '/usr/bin',
    ...(await Promise.all(installed.map(async (folder) => await listVersions(folder)))).flat(),
  ];
  const found = await Promise.all(folders.map(async (folder) => await listPythons(folder)));
  const byTarget = new Map<string, string>();
  for (const file of [...configured, ...found.flat()]) {
    const target = await realpath(file).catch(() => null);
    if (target !== null && !byTarget.has(target)) byTarget.set(target, file);
  }
  return [...byTarget.values()];
}

async function listVersions(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).map((name) => join(folder, name, 'bin'));
}

async function listPythons(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => /^python3(\.\d{1,2})?$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

async function askInterpreter(
  command: string,
  environment: InterpreterSearch['environment'],
): Promise<Interpreter | null> {
  const end = await runProgram({
    command,
    arguments: ['-I', '-c', question],
    environment,
    timeoutMs: answerMs,
    maxOutputBytes: 65_536,
  });
  const answer = end.outcome === 'done' ? readAnswer(new TextDecoder().decode(end.output)) : null;
  // By one name, however it was called: python3 and python3.11 are the same.
  const executable = answer === null ? null : await realpath(answer.executable).catch(() => null);
  return answer === null || executable === null ? null : { ...answer, executable };
}

function readAnswer(text: string): Interpreter | null {
  try {
    const answer = JSON.parse(text) as Answer;
    const [major, minor, patch] = answer.version;
    if (!answer.isCPython || !answer.isFinal || major !== 3 || minor < oldestMinor) return null;
    const readable = answer.readable.filter((path) => path.startsWith('/') && path !== '/');
    return {
      executable: answer.executable,
      version: `3.${minor}.${patch}`,
      minor: `3.${minor}`,
      platform: answer.platform,
      readable: withoutNested(readable),
    };
  } catch {
    return null;
  }
}

/** Paths that lie in no other of them. */
export function withoutNested(paths: readonly string[]): readonly string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && path.startsWith(`${other}/`)));
}

/**
 * The interpreter of a minor version; without one, `preferred`, else the newest up to 3.13, else the oldest.
 * Throws `python_not_found`, which names what there is.
 */
export function chooseInterpreter(
  found: readonly Interpreter[],
  wished: string | undefined,
  preferred: string | undefined,
): Interpreter {
  const minors = minorsOf(found);
  const minor = wished ?? preferred ?? defaultMinor(minors);
  const interpreter = found.find((candidate) => candidate.minor === minor);
  if (interpreter !== undefined) return interpreter;
  if (minors.length === 0) {
    throw new MusterError('python_not_found', 'there is no Python on this machine that answers', {
      place: 'python.interpreters',
      remedy: 'Install Python 3, or name an interpreter in python.interpreters.',
    });
  }
  throw new MusterError('python_not_found', `there is no Python ${minor} here; there is ${minors.join(', ')}`, {
    place: wished === undefined && preferred !== undefined ? 'python.default' : 'python',
    remedy: `Install Python ${minor} or name its interpreter in python.interpreters, or choose a version that is here.`,
  });
}

/** The minor versions that there are, the oldest first. */
export function minorsOf(found: readonly Interpreter[]): readonly string[] {
  return [...new Set(found.map(({ minor }) => minor))].toSorted((a, b) => minorNumber(a) - minorNumber(b));
}

function defaultMinor(minors: readonly string[]): string | undefined {
  return minors.findLast((minor) => minorNumber(minor) <= newestDefaultMinor) ?? minors[0];
}

function minorNumber(minor: string): number {
  return Number(minor.slice('3.'.length));
}
