import { existsSync, statSync } from 'node:fs';
import { mayBeOnnx } from '../inspection/first-bytes.ts';
import { inspectOnnx } from '../inspection/inspect-onnx.ts';
import { lookWithScanner } from '../inspection/look-with-scanner.ts';
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
