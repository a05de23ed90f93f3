import { existsSync, statSync } from 'node:fs';
import { MusterError } from '@muster-ml/protocol';
import { findPython } from '../inspection/find-python.ts';
import { kindByFirstBytes, mayBeOnnx } from '../inspection/first-bytes.ts';
import { inspectOnnx } from '../inspection/inspect-onnx.ts';
import { type Look, lookAt } from '../inspection/look.ts';
import { scannerEnvironment } from '../inspection/scanner-environment.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { showInspectedLook, showInspectedOnnx } from '../output/show-inspection.ts';
import { UsageError } from '../usage-error.ts';

/**
 * Says what a file or folder is without running it, on this machine and without a server. What can be read is a success,
 * also where it holds dangerous instructions or is not enough to be served: both are marked.
 */
export async function inspect(invocation: Invocation, path: string): Promise<void> {
  if (!existsSync(path)) throw new UsageError(`there is no file ${path}`, 'Check the path.', path);
  const isFolder = statSync(path).isDirectory();
  if (!isFolder && mayBeOnnx(path)) return await inspectAsOnnx(invocation, path);
  const look = await lookWithScanner(invocation, path);
  if (look.runtime === 'onnx') return await inspectAsOnnx(invocation, path);
  if (invocation.flags.json === true) return invocation.terminal.print(JSON.stringify({ path, ...look }));
  showInspectedLook(invocation, path, look);
}

async function inspectAsOnnx(invocation: Invocation, path: string): Promise<void> {
  const step = beginStep(invocation.terminal, `inspecting ${path}`);
  const { signature, facts } = await inspectOnnx(invocation.surroundings, path).finally(() => step.drop());
  if (invocation.flags.json === true)
    return invocation.terminal.print(
      JSON.stringify({ path, ok: true, format: 'onnx', runtime: 'onnx', signature, facts, dangers: [], missing: [] }),
    );
  showInspectedOnnx(invocation, path, { signature, facts });
}

async function lookWithScanner(invocation: Invocation, path: string): Promise<Look> {
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
