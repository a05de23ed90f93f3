import { existsSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';
import { findPython } from '../inspection/find-python.ts';
import { type Look, type Missing, isForeign, lookAt } from '../inspection/look.ts';
import { cachedScanner } from '../inspection/scanner-environment.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { safeText } from '../output/text-width.ts';

/** What the owner gave beside the file. */
export interface Given {
  readonly hasSample: boolean;
  readonly hasRequirements: boolean;
}

/**
 * Looks at a file or folder before it is sent, so that what is missing is asked for in a second and not after the upload.
 * The server looks again: without a Python here, nothing is looked at. Throws what is wrong with the file, and
 * `requirements_needed`, `sample_needed` and `unsupported_model` for what is missing.
 */
export async function lookBefore(invocation: Invocation, path: string, given: Given): Promise<void> {
  const look = await lookHere(invocation, path);
  if (look === undefined) return;
  const { terminal } = invocation;
  const foreign = look.dangers.filter(isForeign).map(({ what }) => what);
  if (foreign.length > 0)
    terminal.note(
      `${terminal.paintNotes.yellow(terminal.symbols.warning)} it runs code when it is loaded: ${safeText(foreign.slice(0, 3).join(', '))}${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''}; muster inspect shows all`,
    );
  const missing = look.missing.filter((one) => !isGiven(one, given));
  const [first] = missing;
  if (first !== undefined) throw missingError(first, missing);
}

async function lookHere(invocation: Invocation, path: string): Promise<Look | undefined> {
  const { surroundings, terminal } = invocation;
  // What is no file here is told by whoever opens it; ONNX is inspected by the server alone.
  if (!existsSync(path) || path.endsWith('.onnx')) return undefined;
  const python = (await cachedScanner(surroundings)) ?? (await findPython(surroundings))?.command;
  if (python === undefined) return undefined;
  const step = beginStep(terminal, `looking at ${path}`);
  try {
    return await lookAt(surroundings, python, path);
  } catch (error) {
    // That the look failed says nothing about the file.
    if (error instanceof MusterError && error.code === 'inspection_failed') return undefined;
    throw error;
  } finally {
    step.drop();
  }
}

function isGiven({ kind }: Missing, { hasSample, hasRequirements }: Given): boolean {
  return (kind === 'requirement' && hasRequirements) || (kind === 'sample' && hasSample);
}

function missingError(first: Missing, all: readonly Missing[]): MusterError {
  const code =
    first.kind === 'requirement'
      ? 'requirements_needed'
      : first.kind === 'sample'
        ? 'sample_needed'
        : 'unsupported_model';
  const same = all.filter(({ kind }) => kind === first.kind);
  return new MusterError(code, same.map(({ what, why }) => `${what}: ${why}`).join('\n'), { remedy: first.remedy });
}
