import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UsageError } from '../usage-error.ts';

/** Largest file that is imported. */
export const maxFileBytes = 10 * 1024 * 1024;
const maxFiles = 10_000;

/** The text of a file, at most 10 MB. Throws `UsageError`. */
export function readImportFile(workingDirectory: string, path: string): string {
  const full = resolve(workingDirectory, path);
  let sizeBytes: number;
  try {
    const found = statSync(full);
    if (!found.isFile()) throw new UsageError(`${path} is no file`, 'Name a file.', path);
    sizeBytes = found.size;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} can't be read: ${codeOf(error)}`, 'Check the name.', path);
  }
  if (sizeBytes > maxFileBytes) throw new UsageError(`${path} is larger than 10 MB`, 'Send it in parts.', path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(full));
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(`${path} is no UTF-8`, 'Save it as UTF-8.', path);
    throw new UsageError(`${path} can't be read: ${codeOf(error)}`, 'Check its rights.', path);
  }
}

/** The manifests of files and folders, in order; a folder is read through, and no link in it is followed. */
export function manifestFiles(workingDirectory: string, paths: readonly string[]): readonly string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const name of readdirSync(resolve(workingDirectory, folder)).toSorted()) {
      const path = join(folder, name);
      const entry = lstatSync(resolve(workingDirectory, path));
      if (entry.isDirectory() && !name.startsWith('.')) walk(path);
      else if (entry.isFile() && /\.(ya?ml|json)$/i.test(name)) found.push(path);
      if (found.length > maxFiles)
        throw new UsageError(`there are more than ${maxFiles} manifests`, 'Name fewer folders.', folder);
    }
  };
  for (const path of paths) {
    const entry = statSync(resolve(workingDirectory, path), { throwIfNoEntry: false });
    if (entry === undefined) throw new UsageError(`there is no file or folder ${path}`, 'Check the name.', path);
    if (entry.isDirectory()) walk(path);
    else found.push(path);
  }
  if (found.length === 0)
    throw new UsageError('there is no manifest', 'Name files, or folders with .yaml, .yml or .json in them.', paths[0]);
  return found;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
}
