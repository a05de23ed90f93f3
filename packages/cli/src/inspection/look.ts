import type { PythonFormat } from '@muster-ml/protocol';
import type { Surroundings } from '../surroundings.ts';
import { askProgram } from './ask-program.ts';
import { lookProgram } from './program-paths.ts';

/** What would have to be there before a file can be served. */
export interface Missing {
  /** A package; code that is not in the file; rows; another format. */
  readonly kind: 'requirement' | 'code' | 'sample' | 'export';
  readonly what: string;
  readonly why: string;
  readonly remedy: string;
}

/** What a file tells of itself, as `look.py` prints it. */
export interface Look {
  readonly format: PythonFormat | null;
  readonly runtime: 'onnx' | 'python' | null;
  readonly producer: string;
  readonly modelClass: string;
  readonly modules: readonly string[];
  readonly requirements: readonly string[];
  readonly pythonVersion: string | null;
  readonly dangers: readonly { readonly severity: 'dangerous' | 'suspicious'; readonly what: string }[];
  readonly missing: readonly Missing[];
  readonly hasSignature: boolean;
  readonly adaptations: readonly string[];
  readonly scanner: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Longer than the program allows itself. */
const limits = { timeoutMs: 90_000, memoryBytes: 4 * 2 ** 30 };

/** Looks at a file or a folder without running any of it, in a child with limits. Throws what is wrong with it. */
export async function lookAt(surroundings: Surroundings, python: string, path: string): Promise<Look> {
  // The program comes with this command line, so that what it prints is of this form.
  return (await askProgram(surroundings, python, ['-I', lookProgram()], path, limits)) as unknown as Look;
}

/** Dangerous beyond what cloudpickle needs to carry the code of a model. */
export function isForeign({ severity, what }: Look['dangers'][number]): boolean {
  return severity === 'dangerous' && !what.startsWith('cloudpickle.');
}
