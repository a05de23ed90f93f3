import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A key-encryption key: wraps data keys and nothing else. */
export interface EncryptionKey {
  /** Names the key without telling anything of it; see `keyIdOf`. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What a value is sealed for: where anything of it differs, it does not open. */
export interface SealPlace {
  readonly team: string;
  readonly id: string;
  readonly version: number;
}

/** A value under a data key of its own, and that key wrapped. Nothing of it tells the value without the key-encryption key. */
export interface SealedValue {
  readonly kekId: string;
  /** Nonce, encrypted data key, tag. */
  readonly wrappedKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

/** The data key of a value, wrapped anew. */
export type WrappedKey = Pick<SealedValue, 'kekId' | 'wrappedKey'>;

/** Envelope encryption (AES-256-GCM both times): a fresh data key for each value, so that no nonce can ever repeat. */
export function seal(key: EncryptionKey, place: SealPlace, value: Uint8Array): SealedValue {
  const dataKey = randomBytes(keyBytes);
  try {
    return { ...wrap(key, place, dataKey), ...encrypt(dataKey, place, value) };
  } finally {
    dataKey.fill(0);
  }
}

/** The value. Throws where the key is another, or anything was changed or moved to another place. */
export function open(key: EncryptionKey, place: SealPlace, sealed: SealedValue): Buffer {
  const dataKey = unwrap(key, place, sealed);
  try {
    return decrypt(dataKey, place, sealed);
  } finally {
    dataKey.fill(0);
  }
}

/** Wraps the data key with another key; the value is not touched. Throws like `open`. */
export function rewrap(from: EncryptionKey, to: EncryptionKey, place: SealPlace, wrapped: WrappedKey): WrappedKey {
  const dataKey = unwrap(from, place, wrapped);
  try {
    return wrap(to, place, dataKey);
  } finally {
    dataKey.fill(0);
  }
}

function wrap(key: EncryptionKey, place: SealPlace, dataKey: Uint8Array): WrappedKey {
  const { nonce, ciphertext, tag } = encrypt(key.bytes, place, dataKey);
  return { kekId: key.id, wrappedKey: Buffer.concat([nonce, ciphertext, tag]) };
}

function unwrap(key: EncryptionKey, place: SealPlace, { kekId, wrappedKey }: WrappedKey): Buffer {
  if (kekId !== key.id) throw new Error(`the data key is wrapped with the key ${kekId}, not ${key.id}`);
  if (wrappedKey.length !== nonceBytes + keyBytes + tagBytes) throw new Error('the wrapped key has another length');
  return decrypt(key.bytes, place, {
    nonce: wrappedKey.subarray(0, nonceBytes),
    ciphertext: wrappedKey.subarray(nonceBytes, nonceBytes + keyBytes),
    tag: wrappedKey.subarray(nonceBytes + keyBytes),
  });
}

type Encrypted = Pick<SealedValue, 'nonce' | 'ciphertext' | 'tag'>;

function encrypt(key: Uint8Array, place: SealPlace, plain: Uint8Array): Encrypted {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(placeBytes(place));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce, ciphertext, tag: cipher.getAuthTag() };
}

function decrypt(key: Uint8Array, place: SealPlace, { nonce, ciphertext, tag }: Encrypted): Buffer {
  // With authTagLength, Node refuses a shorter tag, which would be easier to forge.
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(placeBytes(place));
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

/** Neither teams nor ids hold `|`, so that two places never read alike. */
function placeBytes({ team, id, version }: SealPlace): Buffer {
  return Buffer.from(`muster-secret/v1|${team}|${id}|${version}`);
}
