import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inheritedFlags } from '../platform/processes/index.ts';
import { type Program, readableRootOf } from './confine.ts';

/** How the ONNX runtime is started, by path: its code never runs in a process of the server. */
export function onnxProgram(): Program {
  const file = fileURLToPath(import.meta.resolve('@muster-ml/runtime-onnx/program'));
  return {
    command: process.execPath,
    arguments: [...inheritedFlags(), file],
    readable: [...nodeFolders(), readableRootOf(file, (folder) => existsSync(join(folder, 'node_modules')))],
  };
}

/** What Node itself needs to be readable: its binary, and the libraries beside it where it is built so. */
export function nodeFolders(): readonly string[] {
  const folder = dirname(process.execPath);
  return [folder];
}
