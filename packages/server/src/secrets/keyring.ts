import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import type { EncryptionKey } from './seal.ts';

const keyBytes = 32;
const keyIdPattern = /^[0-9a-f]{16}$/;
const maxFileBytes = 4096;

/**
 * The key-encryption keys, in files outside the database: one that is active, and beside it older ones, named by their id,
 * which still open what was wrapped with them. Files are read at each use, so that what another process, or a person, has
 * put there counts at once, and no key stays in memory.
 */
export interface Keyring {
  /** The key that new values are wrapped with; undefined where there is none. Throws `secret_key_invalid`. */
  active(): Promise<EncryptionKey | undefined>;
  /** The active key, made where there is none. */
  activeOrFirst(): Promise<EncryptionKey>;
  /** A key by its id, active or older. */
  find(id: string): Promise<EncryptionKey | undefined>;
  /**
   * Makes a new key and makes it the active one; the one before stays. After a crash at any point there is one active key,
   * and every key that was ever active. Throws `secret_key_read_only`.
   */
  renew(): Promise<EncryptionKey>;
}

/** Its first 16 hexadecimal digits of a digest: tells keys apart, and tells nothing of 256 random bits. */
export function keyIdOf(bytes: Uint8Array): string {
  return createHash('sha256').update('muster-secret-key/v1\0').update(bytes).digest('hex').slice(0, 16);
}

/** `keyFile`: the active key; older ones lie in its folder. Nothing is read or made before the first call. */
export function createKeyring(keyFile: string): Keyring {
  const folder = dirname(keyFile);

  async function active(): Promise<EncryptionKey | undefined> {
    return await readKey(keyFile);
  }

  async function make(): Promise<EncryptionKey> {
    const bytes = randomBytes(keyBytes);
    return await Promise.resolve({ id: keyIdOf(bytes), bytes });
  }

  return {
    active,

    async activeOrFirst() {
      const known = await active();
      if (known !== undefined) return known;
      const key = await make();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Linked, not renamed: of two that start at the same time, the first wins and the other takes its key.
      await writeKey(folder, key, async (temporary) => await link(temporary, keyFile).catch(unlessThere));
      const made = await active();
      if (made === undefined) throw keyInvalid(keyFile, 'it went away while it was made');
      return made;
    },

    async find(id) {
      const current = await active();
      if (current?.id === id) return current;
      if (!keyIdPattern.test(id)) return undefined;
      const older = await readKey(join(folder, id));
      return older?.id === id ? older : undefined;
    },

    async renew() {
      try {
        await removeLeftovers(keyFile);
        const old = await active();
        if (old !== undefined)
          await writeKey(
            folder,
            old,
            async (temporary) => await link(temporary, join(folder, old.id)).catch(unlessThere),
          );
        const key = await make();
        await writeKey(folder, key, async (temporary) => await rename(temporary, keyFile));
        return key;
      } catch (error) {
        const code = codeOf(error);
        if (code !== 'EACCES' && code !== 'EROFS' && code !== 'EPERM') throw error;
        throw new MusterError('secret_key_read_only', `${folder} cannot be written (${code})`, { cause: error });
      }
    },
  };
}

/** Writes a key into a file that only its owner may read, durably, and has it put in its place. */
async function writeKey(
  folder: string,
  key: EncryptionKey,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(folder, `${temporaryPrefix}${randomBytes(8).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o400);
  try {
    await file.writeFile(`${Buffer.from(key.bytes).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await place(temporary);
  await rm(temporary, { force: true });
  await syncFolder(folder);
}

const temporaryPrefix = '.new-';

/** What a crash left before it had a name: keys that nothing was ever wrapped with. */
async function removeLeftovers(keyFile: string): Promise<void> {
  const folder = dirname(keyFile);
  for (const name of await readdir(folder))
    if (name.startsWith(temporaryPrefix) && name !== basename(keyFile)) await rm(join(folder, name), { force: true });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Throws `secret_key_invalid`, which never repeats what is in the file. */
async function readKey(path: string): Promise<EncryptionKey | undefined> {
  let file: FileHandle;
  try {
    // A folder opens, too; a pipe would be waited for.
    if (!(await stat(path)).isFile()) throw keyInvalid(path, 'it is not a file');
    file = await open(path, 'r');
  } catch (error) {
    if (error instanceof MusterError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT') return undefined;
    throw keyInvalid(path, `it cannot be read (${code})`, error);
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o007) !== 0) throw keyInvalid(path, 'every user of the machine may use it: chmod 0400 first');
    const text = size > maxFileBytes ? '' : (await file.readFile('utf8')).trim();
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length !== keyBytes || bytes.toString('base64') !== text)
      throw keyInvalid(path, 'it does not hold 32 bytes as base64');
    return { id: keyIdOf(bytes), bytes };
  } finally {
    await file.close();
  }
}

function keyInvalid(path: string, why: string, cause?: unknown): MusterError {
  return new MusterError('secret_key_invalid', `${path}: ${why}`, { place: path, cause });
}

function unlessThere(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
