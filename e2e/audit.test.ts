import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { AuditEntry, LedgerVerification } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import {
  type Place,
  type RunningMuster,
  launcher,
  makePlace,
  removePlace,
  root,
  startMuster,
} from './support/muster.ts';

const model = join(root, 'packages/runtime-onnx/fixtures/identity-fp32.onnx');
const verifier = join(root, 'packages/server/verifier/verify.mjs');

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the ledger of a real installation', () => {
  let place: Place;
  let muster: RunningMuster;
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    await handOver(muster.client, 'fraud', model);
  });
  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
  });

  const file = (name: string): string => join(place.folder, name);

  async function node(words: readonly string[]): Promise<Ended> {
    const env = { ...place.environment, MUSTER_SERVER: muster.url, NO_COLOR: '1' };
    return await new Promise((resolve) => {
      execFile(process.execPath, [...words], { env, timeout: 60_000 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }
  const audit = async (...words: readonly string[]): Promise<Ended> => await node([launcher, 'audit', ...words]);

  async function deployment(): Promise<AuditEntry> {
    const { stdout } = await audit('search', '--subject', 'endpoint/fraud', '--action', 'endpoint.deploy', '--json');
    const [entry] = (JSON.parse(stdout) as { readonly items: readonly AuditEntry[] }).items;
    if (entry === undefined) throw new Error('no deployment was entered');
    return entry;
  }

  it('says who deployed, by which token, and which version', async () => {
    const whoami = await muster.client.call('whoami');
    const entry = await deployment();
    expect(entry.actor).toMatchObject({ id: whoami.id, name: whoami.name, token: whoami.token?.id });
    expect(entry).toMatchObject({ outcome: 'allowed', team: 'default', damage: null });
    const shown = await audit('show', String(entry.seq));
    expect(shown.stdout).toContain(whoami.name);
    const table = await audit('search', '--since', '1h');
    expect(table.stdout).toMatch(/endpoint\.deploy +endpoint\/fraud +allowed/);
  });

  it('is checked without the server: a single entry, and all of them against a note that was kept', async () => {
    const { seq } = await deployment();
    const checkpoint = await audit('checkpoint');
    expect(checkpoint.code).toBe(0);
    await writeFile(file('note.txt'), checkpoint.stdout);

    expect(await audit('prove', String(seq), '-o', file('proof.json'))).toMatchObject({ code: 0 });
    expect(await node([verifier, '--proof', file('proof.json'), '--notes', file('note.txt')])).toMatchObject({
      code: 0,
    });
    const proof = await readFile(file('proof.json'), 'utf8');
    await writeFile(file('forged.json'), proof.replace('endpoint.deploy', 'endpoint.delete'));
    expect(await node([verifier, '--proof', file('forged.json'), '--notes', file('note.txt')])).toMatchObject({
      code: 1,
    });

    const { size } = (await muster.client.call('auditCheckpointList', { query: { limit: 1 } })).items[0] ?? { size: 0 };
    for (let other = 0; other < size; other++) {
      const found = await muster.client.call('auditEntryProve', { params: { seq: other } });
      await writeFile(file('proof.json'), JSON.stringify(found));
      const checked = await node([verifier, '--proof', file('proof.json'), '--notes', file('note.txt')]);
      expect([other, checked.stdout, checked.code]).toEqual([other, expect.stringContaining('ok'), 0]);
    }

    expect(await audit('export', '-o', file('ledger.jsonl'))).toMatchObject({ code: 0 });
    expect(await node([verifier, file('ledger.jsonl'), '--notes', file('note.txt')])).toMatchObject({ code: 0 });
  });

  it('is whole by its own account, and by the note that was kept', async () => {
    await audit('checkpoint');
    const verified = await audit('verify', '--against', file('note.txt'), '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ outcome: 'ok', firstBad: null });
    expect(verified.code).toBe(0);
  });

  it('names the entry that was edited in the database file while the server was stopped', async () => {
    const { seq } = await deployment();
    await muster.stop();
    const database = new DatabaseSync(join(place.dataDir, 'muster.db'));
    database.exec('drop trigger ledger_entry_keeps_updates_out');
    const edit = `update ledger_entry set body = replace(body, '"outcome":"allowed"', '"outcome":"denied"') where seq = ?`;
    expect(database.prepare(edit).run(seq).changes).toBe(1);
    database.close();
    muster = await startMuster(place);

    const verified = await audit('verify');
    expect(verified.stdout).toContain(`tampered: the first bad entry is ${seq}`);
    expect(verified.code).toBe(1);
    const { stdout } = await audit('verify', '--against', file('note.txt'), '--json');
    expect((JSON.parse(stdout) as LedgerVerification).firstBad).toBe(seq);
    await audit('export', '-o', file('edited.jsonl'));
    expect(await node([verifier, file('edited.jsonl'), '--notes', file('note.txt')])).toMatchObject({ code: 1 });
  });
});
