import { type KeyObject, createPublicKey, hash, sign, verify } from 'node:crypto';
import { hashBytes } from './merkle-tree.ts';

/*
 * A checkpoint is a signed note as Go's checksum database and C2SP (signed-note, tlog-checkpoint) define it, so that tools
 * and witnesses that exist can read it:
 *
 *   muster/<installation>          origin
 *   1234                           how many entries
 *   <base64>                       root of the tree over them
 *   restored <id>                  only where the ledger was restored: the id of the last restore
 *
 *   — muster/<installation> <base64 of key id (4 bytes) and Ed25519 signature (64 bytes)>
 */

/** What a checkpoint says. */
export interface CheckpointText {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Id of the last restore below `size`; empty where there is none. */
  readonly restored: string;
}

/** A note as it was read: what it says, the exact text that is signed, and the signatures, not checked yet. */
export interface ParsedNote extends CheckpointText {
  readonly text: string;
  /** The text with its signatures. */
  readonly whole: string;
  readonly signatures: readonly { readonly name: string; readonly keyId: string; readonly signature: Uint8Array }[];
}

/** A public key as its verifier line (`name+keyid+base64`) says. */
export interface VerifierKey {
  readonly line: string;
  readonly name: string;
  /** Hexadecimal, 8 characters. */
  readonly keyId: string;
  readonly publicKey: KeyObject;
}

const ed25519 = 1;
const maxNoteChars = 16_384;
const checkpointForm =
  /^(?<origin>[^\s+]{1,200})\n(?<size>0|[1-9]\d{0,15})\n(?<root>[A-Za-z0-9+/]{43}=)\n(?<extensions>(?:\S[^\n]*\n)*)$/;
const signatureForm = /^— (?<name>[^\s+]+) (?<blob>[A-Za-z0-9+/]+={0,2})$/;

/** First 4 bytes of SHA-256(name, newline, type, public key), as C2SP signed-note defines it. */
function keyIdOf(name: string, typed: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed]), 'hex').slice(0, 8);
}

/** The verifier line of a public Ed25519 key. */
export function verifierLineOf(name: string, publicKey: KeyObject): string {
  const { x = '' } = publicKey.export({ format: 'jwk' });
  const typed = Buffer.concat([Buffer.of(ed25519), Buffer.from(x, 'base64url')]);
  return `${name}+${keyIdOf(name, typed)}+${typed.toString('base64')}`;
}

/** Reads a verifier line; undefined where it is none, or its id is not that of its key. */
export function parseVerifierLine(line: string): VerifierKey | undefined {
  const match = /^(?<name>[^\s+]{1,200})\+(?<id>[0-9a-f]{8})\+(?<key>[A-Za-z0-9+/]{44})$/.exec(line.trim());
  const { name = '', id = '', key = '' } = match?.groups ?? {};
  const typed = Buffer.from(key, 'base64');
  if (typed.byteLength !== 1 + hashBytes || typed[0] !== ed25519 || keyIdOf(name, typed) !== id) return undefined;
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') };
  return { line: line.trim(), name, keyId: id, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/** The text that is signed. */
function textOf({ origin, size, root, restored }: CheckpointText): string {
  const extension = restored === '' ? '' : `restored ${restored}\n`;
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n${extension}`;
}

/** Writes and signs a checkpoint. */
export function signCheckpoint(checkpoint: CheckpointText, privateKey: KeyObject): string {
  const text = textOf(checkpoint);
  const name = checkpoint.origin;
  const keyId = parseVerifierLine(verifierLineOf(name, createPublicKey(privateKey)))?.keyId ?? '';
  const blob = Buffer.concat([Buffer.from(keyId, 'hex'), sign(null, Buffer.from(text), privateKey)]);
  return `${text}\n— ${name} ${blob.toString('base64')}\n`;
}

/** Reads a note; undefined where it is no checkpoint. Lines that it does not know are kept in the signed text. */
export function parseNote(note: string): ParsedNote | undefined {
  if (note.length > maxNoteChars) return undefined;
  const end = note.indexOf('\n\n— ');
  if (end === -1 || !note.endsWith('\n')) return undefined;
  const text = note.slice(0, end + 1);
  const { origin = '', size = '', root = '', extensions = '' } = checkpointForm.exec(text)?.groups ?? {};
  if (origin === '' || !Number.isSafeInteger(Number(size))) return undefined;
  const signatures: { name: string; keyId: string; signature: Uint8Array }[] = [];
  for (const line of note.slice(end + 2, -1).split('\n')) {
    const { name = '', blob = '' } = signatureForm.exec(line)?.groups ?? {};
    const bytes = Buffer.from(blob, 'base64');
    if (bytes.byteLength < 5) return undefined;
    signatures.push({ name, keyId: bytes.toString('hex', 0, 4), signature: bytes.subarray(4) });
  }
  const restored = /^restored (\S{1,100})$/m.exec(extensions)?.[1] ?? '';
  return { origin, size: Number(size), root: Buffer.from(root, 'base64'), restored, text, whole: note, signatures };
}

/** The keys that signed a note, by their lines. A signature that names a key and is not by it counts for nothing. */
export function signersOf(note: ParsedNote, keys: readonly VerifierKey[]): readonly string[] {
  return note.signatures.flatMap(({ name, keyId, signature }) =>
    keys
      .filter(
        (key) =>
          key.name === name && key.keyId === keyId && verify(null, Buffer.from(note.text), key.publicKey, signature),
      )
      .map(({ line }) => line),
  );
}
