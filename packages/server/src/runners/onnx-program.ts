import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, readableRootOf } from './confine.ts';

/** How the ONNX runtime is started, by path: its code never runs in a process of the server. */
export function onnxProgram(): Program {
  const file = fileURLToPath(import.meta.resolve('@muster-ml/runtime-onnx/program'));
  return {
    command: process.execPath,
    arguments: [...conditionArguments(process.execArgv), file],
    readable: [...nodeFolders(), readableRootOf(file, (folder) => existsSync(join(folder, 'node_modules')))],
  };
}

/** What Node itself needs to be readable: its binary, and the libraries beside it where it is built so. */
export function nodeFolders(): readonly string[] {
  const folder = dirname(process.execPath);
  return [folder];
}

/** `--conditions=…` of our own start, so that a server that runs from sources starts runtimes from sources too. */
function conditionArguments(execArguments: readonly string[]): readonly string[] {
  return execArguments.filter(
    (word, index) => word.startsWith('--conditions') || execArguments[index - 1] === '--conditions',
  );
}
