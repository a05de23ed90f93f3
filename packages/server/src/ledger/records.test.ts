import { readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { databaseKinds } from '../../test-support/database.ts';
import { eventually } from '../../test-support/eventually.ts';
import { type LedgerRoom, openLedgerRoom } from '../../test-support/ledger/ledger-room.ts';
import { standAlone } from '../../test-support/ledger/stand-alone.ts';
import { leafOf, rootFromPath } from './merkle-tree.ts';
import { parseNote } from './signed-note.ts';

describe.each(databaseKinds)('the records of the ledger on %s', (kind) => {
  let room: LedgerRoom;

  beforeEach(async () => {
    room = await openLedgerRoom(kind);
  });
  afterEach(async () => {
    await room.records.stop();
    await room.close();
  });

  test('an empty ledger gets its key with the first checkpoint, and is anchored then', async () => {
    const checkpoint = await room.records.checkpoint();
    expect(checkpoint).toMatchObject({ size: 1, published: [{ sink: `folder ${room.folder}/outside`, ok: true }] });
    expect(await room.records.verify({})).toMatchObject({ outcome: 'ok', size: 1, anchored: 1 });
    expect(await room.records.anchorAgeMs()).toBe(0);
    expect((await stat(join(room.folder, 'ledger/signing-key.pem'))).mode & 0o777).toBe(0o600);
  });

  test('a search answers what matches and may be seen, newest first, page by page', async () => {
    await room.append(30);
    const { records } = room;
    const denied = await records.search({ outcome: 'denied', visible: '*' }, { limit: 10 });
    expect(denied.map(({ seq }) => seq)).toEqual([22, 11, 0]);
    const own = await records.search({ visible: { teams: [], actor: 'actor-3' } }, { limit: 2 });
    expect(own.map(({ seq }) => seq)).toEqual([24, 17]);
    const next = await records.search({ visible: { teams: [], actor: 'actor-3' } }, { limit: 10, before: 17 });
    expect(next.map(({ seq }) => seq)).toEqual([10, 3]);
    const team = { teams: ['default'], actor: 'nobody' };
    const one = { subjectKind: 'model', subjectId: 'model-5', action: 'alias.set', visible: team };
    expect((await records.search(one, { limit: 10 })).map(({ seq }) => seq)).toEqual([5]);
    expect(await records.search({ visible: { teams: ['other'], actor: 'nobody' } }, { limit: 10 })).toEqual([]);
    const start = room.clock.now() - 290;
    const early = await records.search({ from: start, until: start + 20, visible: '*' }, { limit: 10 });
    expect(early.map(({ seq }) => seq)).toEqual([1, 0]);
  });

  test('the time of an entry is never before that of the one above it, though the clock is set back', async () => {
    await room.append(2);
    room.clock.advance(-3_600_000);
    await room.append(2);
    await room.records.checkpoint();
    expect((await room.records.verify({})).outcome).toBe('ok');
  });

  test('an entry is proved against the newest checkpoint, and the stand-alone verifier takes the proof', async () => {
    await room.append(600);
    await room.records.checkpoint();
    await room.append(3);
    const { keys } = await room.records.keys();
    const outside = standAlone.readNotes(await outsideText(), 'the folder');
    for (const seq of [0, 1, 255, 256, 511, 512, 600]) {
      const proof = await room.records.prove(seq);
      const note = parseNote(proof.note);
      const path = proof.path.map((hash) => Buffer.from(hash, 'base64'));
      expect(rootFromPath(leafOf(proof.body), seq, note?.size ?? 0, path)).toEqual(note?.root);
      expect(standAlone.verifyProof(proof, outside)).toMatchObject({ outcome: 'ok' });
      expect(standAlone.verifyProof(proof, [], keys)).toMatchObject({ outcome: 'ok' });
      expect(standAlone.verifyProof(proof, [])).toMatchObject({ outcome: 'unanchored' });
      const forged = { ...proof, body: proof.body.replace('"request":"', '"request":"forged-') };
      expect(standAlone.verifyProof(forged, outside)).toMatchObject({ outcome: 'tampered', firstBad: seq });
    }
    await expect(room.records.prove(601)).rejects.toMatchObject({ code: 'entry_not_anchored' });
    await expect(room.records.prove(9999)).rejects.toMatchObject({ code: 'entry_not_found' });
  });

  test('an export is what the stand-alone verifier agrees about', async () => {
    await room.append(40);
    await room.records.checkpoint();
    await room.append(2);
    const entries = [];
    for await (const batch of room.records.all(0)) entries.push(...batch);
    const notes = standAlone.readNotes(await outsideText(), 'the folder');
    const alone = await standAlone.verifyExport(await room.records.keys(), entries, notes);
    const report = await room.records.verify({});
    expect(alone).toMatchObject({ outcome: 'unanchored', size: 43, anchored: 41 });
    expect(report).toMatchObject({ outcome: 'unanchored', size: 43, anchored: 41 });
  });

  test('a checkpoint is made in time, and at once after a thousand entries', async () => {
    room.records.start();
    await eventually(async () => (await room.records.checkpoints(1))[0]?.size === 1);
    await room.append(5);
    await eventually(async () => {
      room.clock.advance(10_000);
      return (await room.records.checkpoints(1))[0]?.size === 6;
    });
    expect(room.clock.now()).toBeGreaterThan(1_700_000_060_000);
    await room.append(1000);
    await eventually(async () => {
      room.clock.advance(1000);
      return (await room.records.checkpoints(1))[0]?.size === 1006;
    });
    expect((await room.records.checkpoints(10)).map(({ size }) => size)).toEqual([1006, 6, 1]);
  });

  test('an honest restart, with checkpoints of sizes that are no powers of two, raises no alarm', async () => {
    let { records } = room;
    // Its only entry introduces the key.
    let size = (await records.checkpoint())?.size ?? 0;
    for (const next of [5, 13, 27, 300, 777]) {
      await room.append(next - size);
      size = next;
      expect(await records.checkpoint()).toMatchObject({ size });
      await records.stop();
      records = room.restarted();
      expect(await records.checkpoint()).toMatchObject({ size });
      expect(await records.verify({})).toMatchObject({ outcome: 'ok', size, anchored: size, findings: [] });
    }
    expect(records.contradiction).toBeUndefined();
    expect(room.errors).toEqual([]);
  });

  test('a new key is introduced under the old one, and what both signed is verified', async () => {
    await room.append(3);
    await room.records.checkpoint();
    await room.records.rotateKey();
    await room.append(3);
    await room.records.checkpoint();
    const report = await room.records.verify({});
    expect(report).toMatchObject({ outcome: 'ok', size: 8 });
    expect(report.findings).toEqual([]);
    expect((await room.records.keys()).keys).toHaveLength(2);
  });

  test('a key that was lost is followed by a new one, which verification points at', async () => {
    await room.append(3);
    await room.records.checkpoint();
    await rm(join(room.folder, 'ledger/signing-key.pem'));
    await room.append(1);
    await room.records.checkpoint();
    const report = await room.records.verify({});
    expect(report.outcome).toBe('ok');
    expect(report.findings[0]).toMatch(/^NEW KEY: entry 5 introduced muster\/.* Ask who lost the key$/);
  });

  test('two controls with keys of their own sign one ledger', async () => {
    await room.append(3);
    await room.records.checkpoint();
    const other = await openLedgerRoom('sqlite');
    const second = other.restarted(room.test.database);
    await room.append(1);
    await second.checkpoint();
    await room.append(1);
    await room.records.checkpoint();
    const note = await readFile(join(other.folder, 'outside', (await outsideFiles(other))[0] ?? ''), 'utf8');
    const report = await room.records.verify({ notes: [{ source: 'the second', note }] });
    expect(report).toMatchObject({ outcome: 'ok', size: 7, findings: [] });
    await other.close();
  });

  async function outsideFiles(of: LedgerRoom): Promise<string[]> {
    return await readdir(join(of.folder, 'outside'));
  }

  async function outsideText(): Promise<string> {
    return await readFile(join(room.folder, 'outside', (await outsideFiles(room))[0] ?? ''), 'utf8');
  }
});
