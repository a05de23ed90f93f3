import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type BackupManifest, MusterError, backupManifestSchema } from '@muster-ml/protocol';
import { digestOf } from '../ledger/index.ts';
import { manifestName } from './backup.ts';

/** About three million objects. */
const maxManifestBytes = 512 * 1024 * 1024;

/** Adds the digest over everything else, by which a cut or an edit shows. */
export function sealManifest(body: Omit<BackupManifest, 'sha256'>): BackupManifest {
  return { ...body, sha256: digestOf(body) };
}

/**
 * Reads the manifest in the folder of a backup. Throws `backup_not_found`, `backup_unfinished` where there is none,
 * `backup_damaged` where it is not as it was written, and `backup_newer`.
 */
export async function readManifest(backup: string): Promise<BackupManifest> {
  const file = join(backup, manifestName);
  const sizeBytes = await sizeOf(file);
  if (sizeBytes === undefined) {
    if ((await kindOf(backup)) === 'folder')
      throw new MusterError('backup_unfinished', `${backup} holds no ${manifestName}`, { place: file });
    throw new MusterError('backup_not_found', `${backup} is no folder`, { place: backup });
  }
  if (sizeBytes > maxManifestBytes) throw damaged(file, `has ${sizeBytes} bytes, more than any manifest`);
  return parseManifest(await readFile(file, 'utf8'), file);
}

/** Checks a manifest's text; `file` is named in errors. */
export function parseManifest(text: string, file: string): BackupManifest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw damaged(file, 'is not the JSON that was written: it was cut or edited');
  }
  if (typeof document !== 'object' || document === null || !('sha256' in document) || !('format' in document))
    throw damaged(file, 'is not a manifest');
  const { sha256, ...body } = document;
  if (sha256 !== digestOrUndefined(body)) throw damaged(file, 'was edited: it does not fit the digest at its end');
  if (typeof body.format === 'number' && body.format > 1)
    throw new MusterError('backup_newer', `${file} has the format ${body.format}; this version reads 1`, {
      place: file,
    });
  const parsed = backupManifestSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(file, `is not a manifest: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

/** The error for a file of a backup that is not as it was made; `what` goes on after its name. */
export function damaged(file: string, what: string): MusterError {
  return new MusterError('backup_damaged', `${file} ${what}`, { place: file });
}

function digestOrUndefined(body: object): string | undefined {
  try {
    return digestOf(body);
  } catch {
    return undefined; // it holds what no manifest holds, such as fractions
  }
}

/** Size of a file, or undefined where there is none. */
export async function sizeOf(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

async function kindOf(path: string): Promise<'folder' | 'other'> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true ? 'folder' : 'other';
}
