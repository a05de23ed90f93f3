import { type KeyObject, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { makePrivateFolder } from '../platform/processes/index.ts';
import { syncFolder } from '../platform/objects/index.ts';

/** The files of the key that signs checkpoints: the one in use, and while the key is changed, the one that follows. */
export interface SigningKeyFiles {
  /** The key in use; made where there is none. Throws `ledger_key_unusable`. */
  current(): Promise<KeyObject>;
  /** Makes the key that follows, on disk. */
  makeNext(): Promise<KeyObject>;
  /** The key that follows; undefined where no change is under way. */
  next(): Promise<KeyObject | undefined>;
  /** Puts the key that follows in the place of the one in use. */
  useNext(): Promise<void>;
  dropNext(): Promise<void>;
}

/** Keeps the key in a folder of its own, readable by us alone; it is in no database and in no backup of one. */
export function createSigningKeyFiles(folder: string): SigningKeyFiles {
  const currentFile = join(folder, 'signing-key.pem');
  const nextFile = join(folder, 'signing-key.next.pem');

  async function make(file: string): Promise<KeyObject> {
    makePrivateFolder(folder);
    const { privateKey } = generateKeyPairSync('ed25519');
    const part = `${file}.part`;
    await rm(part, { force: true });
    const handle = await open(part, 'wx', 0o600);
    try {
      await handle.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
    await syncFolder(folder);
    return privateKey;
  }

  return {
    current: async () => (await read(currentFile)) ?? (await make(currentFile)),
    makeNext: async () => await make(nextFile),
    next: async () => await read(nextFile),
    async useNext() {
      await rename(nextFile, currentFile);
      await syncFolder(folder);
    },
    dropNext: async () => await rm(nextFile, { force: true }),
  };
}

async function read(file: string): Promise<KeyObject | undefined> {
  try {
    const key = createPrivateKey(await readFile(file));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('it is no Ed25519 key');
    return key;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'it is no Ed25519 key in PEM';
    throw new MusterError('ledger_key_unusable', `${file} cannot be used (${code})`, { place: file });
  }
}
