import { basename, dirname, extname, resolve } from 'node:path';

/** File names that say nothing about what is in them; the folder's name says more. */
const meaningless = /^(model|best|final|latest|export|output|saved-model|pipeline|artifacts)(-v?\d+)?$/;

/**
 * A name for the endpoint of a file, a folder or a model, where none was given: of `models/Fraud_EU.onnx` it is `fraud-eu`,
 * of `fraud/model.onnx` it is `fraud`. Undefined where nothing usable is left.
 */
export function deriveName(fileOrModel: string, workingDirectory: string): string | undefined {
  const path = resolve(workingDirectory, fileOrModel);
  const own = toSlug(basename(path, extname(path)));
  if (own !== undefined && !meaningless.test(own)) return own;
  const folder = toSlug(basename(dirname(path)));
  return folder ?? own;
}

/** The nearest name that an endpoint may have; undefined where no letter is left. */
export function toSlug(text: string): string | undefined {
  const slug = text
    .normalize('NFKD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .replaceAll(/(?<=[a-z\d])(?=[A-Z])/g, '-')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .slice(0, 53)
    .replace(/-+$/, '');
  return slug === '' ? undefined : slug;
}
