import { statSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { findPython } from './find-python.ts';
import { kindByFirstBytes } from './first-bytes.ts';
import { type Look, lookAt } from './look.ts';
import { scannerEnvironment } from './scanner-environment.ts';

/**
 * Looks at a file or folder with the Python of this machine and the scanner of pickles, which is fetched at the first time;
 * warns where it cannot be. Throws `python_not_found`.
 */
export async function lookWithScanner(invocation: Invocation, path: string): Promise<Look> {
  const { terminal, surroundings } = invocation;
  const interpreter = await findPython(surroundings);
  if (interpreter === undefined) throw withoutPython(path);
  const { python, why } = await scannerEnvironment(invocation, interpreter);
  if (why !== undefined)
    terminal.warn(
      `${terminal.symbols.warning} warning: dangerous instructions are not looked for, because picklescan could not be fetched: ${why}`,
    );
  const step = beginStep(terminal, `looking at ${path}`);
  return await lookAt(surroundings, python ?? interpreter.command, path).finally(() => step.drop());
}

function withoutPython(path: string): MusterError {
  const kind = statSync(path).isDirectory() ? 'a folder' : kindByFirstBytes(path);
  return new MusterError(
    'python_not_found',
    `${path} seems to be ${kind ?? 'no model that is known'}; to see more, the inspection needs Python`,
    {
      remedy:
        'Install Python 3.11 or newer (apt install python3 python3-venv, brew install python, or python.org). It is not needed to deploy: the server looks, too.',
    },
  );
}
