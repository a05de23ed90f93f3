import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';
import { type ModelFile, openModelFile } from './model-file.ts';
import { packFolder } from './pack-folder.ts';

/**
 * Opens what is handed over: a file as it is, a folder as a tar file of it, and of an MLflow folder with an ONNX model that
 * model alone, because it then runs without Python. Throws `UsageError` for what cannot be handed over.
 */
export async function openModel(invocation: Invocation, given: string): Promise<ModelFile> {
  const { terminal } = invocation;
  const isFolder = existsSync(given) && statSync(given).isDirectory();
  const onnx = isFolder ? onnxWithin(given) : undefined;
  if (onnx !== undefined) terminal.note(`  handing over ${onnx} alone: ONNX runs without Python`);
  if (!isFolder || onnx !== undefined) return await read(invocation, onnx ?? given, onnx ?? given);

  const packing = beginStep(terminal, `packing ${given}`);
  const packed = await packFolder(
    given,
    (packedBytes, sizeBytes) => packing.update(`packing ${given}  ${sizeText(packedBytes)} of ${sizeText(sizeBytes)}`),
    invocation.surroundings.interruption,
  ).finally(() => packing.drop());
  try {
    const file = await read(invocation, packed.path, given);
    terminal.note(
      `${terminal.paintNotes.green(terminal.symbols.done)} packed ${given}  ${packed.fileCount} files, ${sizeText(file.sizeBytes)}`,
    );
    return {
      ...file,
      [Symbol.asyncDispose]: async () => {
        await file[Symbol.asyncDispose]();
        await packed[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await packed[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens a file under the name that its owner gave. */
async function read({ terminal, surroundings }: Invocation, path: string, name: string): Promise<ModelFile> {
  const reading = beginStep(terminal, `reading ${name}`);
  const file = await openModelFile(
    path,
    (readBytes, sizeBytes) => reading.update(`reading ${name}  ${sizeText(readBytes)} of ${sizeText(sizeBytes)}`),
    surroundings.interruption,
  ).finally(() => reading.drop());
  return { ...file, path: name };
}

const longestMlmodel = 2 ** 20;

/** The ONNX model of an MLflow folder, where it has that flavour and all of it is in one file. */
function onnxWithin(folder: string): string | undefined {
  const mlmodel = join(folder, 'MLmodel');
  if (!existsSync(mlmodel) || statSync(mlmodel).size > longestMlmodel) return undefined;
  const flavour = /^ {2}onnx:\s*\n((?: {4}.*\n?)+)/m.exec(readFileSync(mlmodel, 'utf8'))?.[1];
  if (flavour === undefined) return undefined;
  const data = /^ {4}data: *['"]?([\w.-]+)['"]? *$/m.exec(flavour)?.[1] ?? 'model.onnx';
  const hasMore = readdirSync(folder).some(
    (name) => name !== data && (name.startsWith(data) || name.endsWith('.data')),
  );
  return !hasMore && existsSync(join(folder, data)) ? join(folder, data) : undefined;
}
