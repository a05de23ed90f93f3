import { createRequire } from 'node:module';

/** The server comes with the runtimes; so they are found from where it is. */
function fromServer(name: string): string {
  return createRequire(import.meta.resolve('@muster-ml/server/main')).resolve(name);
}

/** The program that says what a file is without running it. */
export function lookProgram(): string {
  return fromServer('@muster-ml/runtime-python/look');
}

/** The program that inspects an ONNX file. */
export function onnxInspectionProgram(): string {
  return fromServer('@muster-ml/runtime-onnx/inspect');
}
