/**
 * What both checks of a ledger need: hashes of its tree, entries by themselves, notes and who signed them.
 */
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- it runs as it is, without a compiler */
import { createHash, createPublicKey, verify as isSignature } from 'node:crypto';

/** @typedef {{ source: string, origin: string, size: number, root: string, restored: string, text: string, state: string,
 *   signatures: { name: string, id: string, value: Buffer }[], signers: string[], leaves: Map<number, Buffer> }} Note */
/** @typedef {{ outcome: string, size: number, anchored: number, firstBad: number | null, findings: string[] }} Report */

/** The tree of RFC 9162: a leaf is SHA-256(0x00, body), a node SHA-256(0x01, left, right). */
export const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
export const leafOf = (body) => sha256('\0', body);
export const nodeOf = (left, right) => sha256('\x01', left, right);

/** The one text of a value (RFC 8785, without fractions). @param {unknown} value @returns {string} */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value).toSorted();
    return `{${names.map((name) => `${canonical(name)}:${canonical(value[name])}`).join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Error('not a safe integer');
  if (typeof value === 'string' && !value.isWellFormed()) throw new Error('not well-formed');
  return JSON.stringify(value);
}

/** What is wrong with an entry by itself. @param {number} seq @param {string} body @param {number} previousAt */
export function checkEntry(seq, body, previousAt) {
  let entry;
  try {
    entry = JSON.parse(body);
    if (canonical(entry) !== body || typeof entry !== 'object' || entry === null) throw new Error('not canonical');
  } catch {
    return { entry: {}, problem: 'is not canonical JSON' };
  }
  if (entry.v !== 1) return { entry, problem: 'has a version that is not known' };
  if (entry.seq !== seq) return { entry, problem: `says that it is entry ${entry.seq}` };
  if (typeof entry.at !== 'number') return { entry: {}, problem: 'has no time' };
  return { entry, problem: entry.at < previousAt - 5000 ? 'is dated before the entry above it' : undefined };
}

/** Reads notes and the leaves before them. @param {string} text @param {string} source @returns {Note[]} */
export function readNotes(text, source) {
  const notes = [];
  let [head, leaves] = ['', new Map()];
  for (const block of text.split(/\n\n+/).map((one) => one.trim())) {
    if (block.endsWith('\n!') || (!text.endsWith('\n') && text.endsWith(block))) continue; // a crash cut it short
    const [, from = '', hashes = ''] = /^leaves (\d+) (\S*)$/.exec(block) ?? [];
    const bytes = Buffer.from(hashes, 'base64');
    for (let at = 0; at + 32 <= bytes.length; at += 32) leaves.set(Number(from) + at / 32, bytes.subarray(at, at + 32));
    if (block.startsWith('— ')) {
      const [origin = '', digits = '', root = '', ...more] = head.split('\n');
      const size = /^\d{1,15}$/.test(digits) ? Number(digits) : NaN;
      const restored = more.find((line) => line.startsWith('restored '))?.slice('restored '.length) ?? '';
      const signatures = block.split('\n').map((line) => {
        const [, name = '', base64 = ''] = line.split(' ');
        const blob = Buffer.from(base64, 'base64');
        return { name, id: blob.toString('hex', 0, 4), value: blob.subarray(4) };
      });
      const read = { source, origin, size, root, restored, text: `${head}\n`, signatures, leaves };
      notes.push({ ...read, state: '', signers: [] });
      leaves = new Map();
    }
    head = block;
  }
  return notes;
}

/** A public key from its line name+id+base64, whose id must be that of the key. @param {string} line */
function readKey(line) {
  const [, name = '', id = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line) ?? [];
  const typed = Buffer.from(base64, 'base64');
  if (typed.length !== 33 || typed[0] !== 1 || sha256(`${name}\n`, typed).toString('hex', 0, 4) !== id) return [];
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') };
  return [{ line, name, id, key: createPublicKey({ key: jwk, format: 'jwk' }) }];
}

/** Notes that count, each with its signers, and sentences about the others.
 * @param {Note[]} notes @param {string} origin @param {string[]} lines */
export function checkSignatures(notes, origin, lines) {
  const keys = [...new Set(lines)].flatMap(readKey);
  const found = {
    signed: /** @type {Note[]} */ ([]),
    wrong: /** @type {string[]} */ ([]),
    unreadable: /** @type {string[]} */ ([]),
  };
  for (const note of notes) {
    const what = `${note.source}: the checkpoint of ${note.size} entries`;
    const named = note.signatures.flatMap(({ name, id, value }) =>
      keys.filter((key) => key.name === name && key.id === id).map(({ line, key }) => ({ line, key, value })),
    );
    const valid = named.filter(({ key, value }) => isSignature(null, Buffer.from(note.text), key, value));
    note.signers = valid.map(({ line }) => line);
    if (note.origin !== origin || Number.isNaN(note.size)) found.unreadable.push(`${what} is not one of ${origin}`);
    else if (named.length > 0 && valid.length === 0) found.unreadable.push(`${what} has a wrong signature`);
    else found.signed.push(note);
    if (named.length === 0 && note.origin === origin) found.wrong.push(`${what} is signed by a key that is not known`);
  }
  return found;
}
