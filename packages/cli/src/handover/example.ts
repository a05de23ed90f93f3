import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../usage-error.ts';

/** Where the example lies: in the published package, or in a source tree. */
const folders = ['../../example', '../../../../examples/breast-cancer'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The example that comes along: a classifier of the breast-cancer data with a few of its rows. */
export function findExample(): { readonly model: string; readonly sample: string; readonly name: string } {
  const folder = folders.find((candidate) => existsSync(join(candidate, 'model-v1.onnx')));
  if (folder === undefined)
    throw new UsageError(
      'the example is not part of this package',
      'Deploy a file of your own: muster deploy model.onnx',
      '--example',
    );
  return { model: join(folder, 'model-v1.onnx'), sample: join(folder, 'sample.csv'), name: 'breast-cancer' };
}
