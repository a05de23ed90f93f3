import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MadeEnvironment } from './environments/python-environments.ts';
import { MusterError } from '@muster-ml/protocol';
import { type Program, firstClosedFolder } from './confine.ts';
import type { Isolation } from './isolation.ts';

/** What of an environment a program needs: its interpreter, and what that reads. */
export type PythonHome = Pick<MadeEnvironment, 'python' | 'readable'>;

/** The programs of the Python runtime, by path: none of their code runs in a process of the server. */
export interface PythonPrograms {
  /** Runs a model. */
  readonly program: string;
  /** Loads a model and finds out what it takes and gives. */
  readonly prove: string;
  /** Says what a file is without running it. */
  readonly look: string;
}

/** Those that come along. */
export function pythonPrograms(): PythonPrograms {
  const at = (name: 'program' | 'prove' | 'look'): string =>
    fileURLToPath(import.meta.resolve(`@muster-ml/runtime-python/${name}`));
  return { program: at('program'), prove: at('prove'), look: at('look') };
}

/**
 * How a program of the Python runtime is started with an environment's interpreter: isolated from whatever its user has
 * installed or set, and leaving no compiled files behind.
 */
export function pythonProgram(home: PythonHome, file: string, words: readonly string[]): Program {
  return {
    command: home.python,
    arguments: ['-I', '-B', file, ...words],
    readable: [...home.readable, dirname(file)],
    python: home.python,
  };
}

/** Libraries ask for their number of threads under these names; without an answer, each takes all cores. */
const threadNames = [
  'OMP_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'MKL_NUM_THREADS',
  'BLIS_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'RAYON_NUM_THREADS',
  'NUMBA_NUM_THREADS',
  'LOKY_MAX_CPU_COUNT',
];

/** The whole environment of a Python program: where it may write, how many threads it has, and that there is no network. */
export function pythonEnvironment(
  base: Readonly<Record<string, string>>,
  scratch: string,
  threads: number,
): Readonly<Record<string, string>> {
  const pick = (name: string): Record<string, string> => (base[name] === undefined ? {} : { [name]: base[name] });
  return {
    ...pick('PATH'),
    ...pick('TZ'),
    LANG: 'C.UTF-8',
    HOME: scratch,
    TMPDIR: scratch,
    ...Object.fromEntries(threadNames.map((name) => [name, String(threads)])),
    TOKENIZERS_PARALLELISM: threads > 1 ? 'true' : 'false',
    HF_HUB_OFFLINE: '1',
    HF_DATASETS_OFFLINE: '1',
    TRANSFORMERS_OFFLINE: '1',
    HF_HUB_DISABLE_TELEMETRY: '1',
    DO_NOT_TRACK: '1',
    // Each further arena of glibc keeps freed memory of its own.
    MALLOC_ARENA_MAX: '2',
  };
}

/**
 * At the level `uid` nothing is shown at another place, so an interpreter in somebody's home cannot be started by another
 * user. Throws `python_not_found`, which says so.
 */
export function checkReachable(home: PythonHome, { level, firstUid }: Isolation): void {
  if (level !== 'uid' || firstUid === null) return;
  for (const path of [home.python, ...home.readable]) {
    const [closed] = firstClosedFolder(path);
    if (closed === undefined) continue;
    throw new MusterError(
      'python_not_found',
      `${path} is in ${closed}, which other users may not enter, and at the isolation level uid runners are other users`,
      {
        place: 'python.interpreters',
        remedy: 'Use a Python of the system, such as /usr/bin/python3, or install bubblewrap.',
      },
    );
  }
}
