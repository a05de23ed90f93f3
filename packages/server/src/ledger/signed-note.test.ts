import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makePair, origin } from '../../test-support/ledger/memory-ledger.ts';
import { keptLeaf, formatKeptNote, parseKeptNotes, tornEnd } from './kept-notes.ts';
import { leafOf } from './merkle-tree.ts';
import { parseNote, parseVerifierLine, signCheckpoint, signersOf, verifierLineOf } from './signed-note.ts';

const checkpoint = { origin, size: 42, root: leafOf('root'), restored: '' };

describe('a verifier line', () => {
  // The key of the examples of Go's package golang.org/x/mod/sumdb/note.
  const published = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';

  test('that is published has the id that it says', () => {
    expect(parseVerifierLine(published)).toMatchObject({ name: 'PeterNeumann', keyId: 'c74f20a3' });
  });

  test('is written as it is read', () => {
    const key = parseVerifierLine(published);
    expect(key === undefined ? undefined : verifierLineOf('PeterNeumann', key.publicKey)).toBe(published);
  });

  test('and the signature that is published with it verify', () => {
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const blob = Buffer.from(
      'x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=',
      'base64',
    );
    const note = {
      ...checkpoint,
      text,
      whole: text,
      signatures: [{ name: 'PeterNeumann', keyId: blob.toString('hex', 0, 4), signature: blob.subarray(4) }],
    };
    const key = parseVerifierLine(published);
    expect(signersOf(note, key === undefined ? [] : [key])).toEqual([published]);
  });

  test.each(['', 'name', published.replace('c74f20a3', 'c74f20a4'), published.replace('ARpc', 'AhpC')])(
    'that does not fit is none: %s',
    (line) => {
      expect(parseVerifierLine(line)).toBeUndefined();
    },
  );
});

describe('a checkpoint', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const line = verifierLineOf(origin, createPublicKey(privateKey));
  const keys = [parseVerifierLine(line), parseVerifierLine(makePair().line)].flatMap((key) => key ?? []);

  test('is a note of three lines, an empty one and a signature', () => {
    const note = signCheckpoint(checkpoint, privateKey);
    expect(note.split('\n').slice(0, 4)).toEqual([origin, '42', Buffer.from(checkpoint.root).toString('base64'), '']);
    expect(note).toMatch(/\n\n— muster\/[0-9a-f-]+ [A-Za-z0-9+/]+=*\n$/);
  });

  test('is read back, and says who signed it', () => {
    const note = parseNote(signCheckpoint({ ...checkpoint, restored: 'abc' }, privateKey));
    expect(note).toMatchObject({ origin, size: 42, restored: 'abc' });
    expect(note === undefined ? [] : signersOf(note, keys)).toEqual([line]);
  });

  test('that was changed is signed by nobody', () => {
    const note = parseNote(signCheckpoint(checkpoint, privateKey).replace('\n42\n', '\n43\n'));
    expect(note === undefined ? undefined : signersOf(note, keys)).toEqual([]);
  });

  test('may carry the signatures of witnesses', () => {
    const own = signCheckpoint(checkpoint, privateKey);
    const note = parseNote(`${own}— witness.example/w ${Buffer.alloc(76, 7).toString('base64')}\n`);
    expect(note === undefined ? [] : signersOf(note, keys)).toEqual([line]);
  });

  test.each(['', 'a\n1\n', `${origin}\n01\n${Buffer.alloc(32).toString('base64')}\n\n— a AAAAAAAA\n`])(
    'is not what has another form: %j',
    (text) => {
      expect(parseNote(text)).toBeUndefined();
    },
  );
});

describe('kept notes', () => {
  const { privateKey } = makePair();
  const note = signCheckpoint(checkpoint, privateKey);
  const leaves = Array.from({ length: 10 }, (_, seq) => leafOf(String(seq)));

  test('are read back with the leaves before them', () => {
    const text = formatKeptNote(note, 32, leaves) + formatKeptNote(note, 42, []);
    const { kept, torn } = parseKeptNotes(text);
    expect({ torn, notes: kept.map((one) => one.note) }).toEqual({ torn: 0, notes: [note, note] });
    const [first] = kept[0]?.leaves ?? [];
    for (let seq = 30; seq < 44; seq++) {
      const leaf = first === undefined ? undefined : keptLeaf(first, seq);
      expect(leaf === undefined ? undefined : Buffer.from(leaf)).toEqual(leaves[seq - 32]);
    }
  });

  test('that a crash cut short anywhere spoil nothing but themselves', () => {
    const record = formatKeptNote(note, 32, leaves);
    for (let length = 1; length < record.length - 2; length++) {
      const cut = record.slice(0, length);
      const { kept } = parseKeptNotes(`${record}${cut}${cut.endsWith('\n\n') ? '' : tornEnd}${record}`);
      const atEnd = parseKeptNotes(`${record}${cut}`);
      for (const one of [...kept, ...atEnd.kept]) expect(one.note).toBe(note);
      expect(kept.length).toBeGreaterThanOrEqual(2);
      expect(atEnd.kept.length).toBeGreaterThanOrEqual(1);
    }
  });
});
