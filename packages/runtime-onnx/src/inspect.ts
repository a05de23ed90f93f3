import { MusterError, toMusterError, toProblem } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { inspectModel } from './inspect-model.ts';

/**
 * Inspects one ONNX file, in a process that its caller limits in memory and time:
 *
 *     inspect FILE
 *
 * It prints one JSON document: `{"ok":true,"signature":…,"facts":…}` or `{"ok":false,"problem":…}`, and ends with 0
 * in both cases. No document means that the file brought the process down.
 */
async function main(): Promise<void> {
  const [file] = process.argv.slice(2);
  if (file === undefined)
    throw new MusterError('invalid_configuration', 'no file was named', { remedy: 'Name the file to inspect.' });
  ort.env.logLevel = 'fatal';
  const { signature, facts } = await inspectModel(file);
  print({ ok: true, signature, facts });
}

function print(document: unknown): void {
  // The runtime's threads and memory are not worth a tidy end; a pipe takes the document before the callback.
  process.stdout.write(`${JSON.stringify(document)}\n`, () => process.exit(0));
}

main().catch((thrown: unknown) => print({ ok: false, problem: toProblem(toMusterError(thrown)) }));
