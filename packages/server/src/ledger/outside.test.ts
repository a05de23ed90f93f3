import { appendFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { type LedgerRoom, openLedgerRoom } from '../../test-support/ledger/ledger-room.ts';
import { plainEntry } from '../../test-support/ledger/memory-ledger.ts';
import { openDatabase } from '../platform/database/index.ts';
import { orderRestore } from './restore-order.ts';
import { createCheckpointSinks } from './sinks.ts';
import { createWebhookSink } from './webhook-sink.ts';

let room: LedgerRoom;

beforeEach(async () => {
  room = await openLedgerRoom('sqlite');
  await room.append(20);
  await room.records.checkpoint();
});
afterEach(async () => {
  await room.records.stop();
  await room.close();
});

const outside = async (): Promise<string> => {
  const [name = ''] = await readdir(join(room.folder, 'outside'));
  return join(room.folder, 'outside', name);
};

/** The database as it was, opened anew: rolled back, or restored. */
async function asItWas(name: string) {
  const file = join(room.folder, `${name}.db`);
  const source = new DatabaseSync((room.test.address as { file: string }).file, { readOnly: true });
  source.exec(`vacuum into '${file}'`);
  source.close();
  return async () => await openDatabase({ file, onFatal: () => {} });
}

describe('a database that was rolled back', () => {
  test('is seen at the start, gets no signature, and is reported', async () => {
    const reopen = await asItWas('older');
    await room.append(5);
    await room.records.checkpoint();
    const database = await reopen();
    const records = room.restarted(database);
    records.start();
    await eventually(() => records.contradiction);
    expect(records.contradiction).toMatch(/has 21 entries, and a checkpoint outside has 26: the last ones are gone/);
    expect(room.errors).toHaveLength(1);
    await expect(records.checkpoint()).rejects.toMatchObject({ code: 'ledger_contradicted' });
    expect(await records.verify({})).toMatchObject({ outcome: 'tampered', firstBad: 21, size: 21 });
    await records.stop();
    await database.close();
  });

  test('is seen too where it has grown since', async () => {
    const reopen = await asItWas('older');
    await room.append(5);
    await room.records.checkpoint();
    const database = await reopen();
    await database.inTransaction(async (tx) => {
      for (let number = 50; number < 60; number++) await room.ledger.append(tx, plainEntry(number));
    });
    const records = room.restarted(database);
    await expect(records.checkpoint()).rejects.toMatchObject({ code: 'ledger_contradicted' });
    expect(await records.verify({})).toMatchObject({ outcome: 'tampered', firstBad: 21 });
    await database.close();
  });
});

describe('a restore', () => {
  test('that the data directory orders becomes an entry, is signed, and is no tampering', async () => {
    const reopen = await asItWas('backup');
    await room.append(5);
    await room.records.checkpoint();
    await orderRestore(join(room.folder, 'ledger'), { at: room.clock.now(), backup: 'backup-1' });
    const database = await reopen();
    const records = room.restarted(database);
    await records.takeUpRestore();
    // A crash here, and the next start finds the entry there.
    await records.takeUpRestore();
    await records.checkpoint();
    const report = await records.verify({});
    expect(report).toMatchObject({ outcome: 'ok', size: 22, anchored: 22 });
    expect(report.findings).toEqual([expect.stringMatching(/^RESTORED: 5 entries were lost .* \(entry 21\)$/)]);
    const [entry] = await records.search({ action: 'system.restored', visible: '*' }, { limit: 5 });
    expect(JSON.parse(entry?.body ?? '')).toMatchObject({ ctx: { size: 21, sizeBefore: 26, backup: 'backup-1' } });
    // The order has done its work.
    expect(await readdir(join(room.folder, 'ledger'))).toEqual(['signing-key.pem']);
    const again = room.restarted(database);
    await again.takeUpRestore();
    expect(await again.checkpoint()).toMatchObject({ size: 22 });
    await database.close();
  });

  test('that only the database speaks of gets no signature', async () => {
    const reopen = await asItWas('backup');
    await room.append(5);
    await room.records.checkpoint();
    const database = await reopen();
    await database.inTransaction(async (tx) => {
      await room.ledger.append(tx, {
        ...plainEntry(1),
        action: 'system.restored',
        ctx: { restored: 'forged', sizeBefore: 26, ended: [] },
      });
    });
    const records = room.restarted(database);
    await expect(records.checkpoint()).rejects.toMatchObject({ code: 'ledger_contradicted' });
    expect(await records.verify({})).toMatchObject({ outcome: 'tampered', firstBad: 21 });
    await database.close();
  });
});

describe('the folder', () => {
  test('keeps what a crash cut short, and goes on behind it', async () => {
    await appendFile(await outside(), 'leaves 21 AAAA');
    const records = room.restarted();
    await room.append(3);
    await records.checkpoint();
    const report = await records.verify({});
    expect(report).toMatchObject({ outcome: 'ok', size: 24, anchored: 24 });
    expect(report.findings).toEqual([expect.stringContaining('1 record is cut short')]);
  });

  test('that cannot be reached is tried again, and commits do not wait for it', async () => {
    const blocked = await openLedgerRoom('sqlite');
    await writeFile(join(blocked.folder, 'outside'), 'not a folder');
    await blocked.append(3);
    expect(await blocked.records.checkpoint()).toMatchObject({ published: [{ ok: false, detail: 'ENOTDIR' }] });
    expect((await blocked.records.verify({})).outcome).toBe('unreadable');
    expect(await blocked.records.anchorAgeMs()).toBeGreaterThan(0);
    await rm(join(blocked.folder, 'outside'));
    await mkdir(join(blocked.folder, 'outside'));
    await eventually(async () => {
      blocked.clock.advance(1000);
      return (await blocked.records.verify({})).outcome === 'ok';
    });
    await blocked.records.stop();
    await blocked.close();
  });

  test('is weak where it lies beside the database, and verification says so', async () => {
    const [sink] = createCheckpointSinks({
      ledgerFolder: join(room.folder, 'ledger'),
      webhooks: [],
      clock: room.clock,
    });
    const records = room.restarted(undefined, sink === undefined ? [] : [sink]);
    await room.append(1);
    await records.checkpoint();
    expect((await records.verify({})).outside).toMatchObject([
      { size: 22 },
      { source: expect.stringContaining('weak') as string },
    ]);
  });
});

describe('a webhook', () => {
  let server: Server;
  let url: string;
  let status: number;
  const received: { readonly text: string; readonly request: IncomingMessage }[] = [];

  beforeEach(async () => {
    status = 204;
    received.length = 0;
    server = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      request.on('end', () => {
        received.push({ text, request });
        response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end();
      });
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/hook`;
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  test('is posted the note with its token, and the receiver may verify with its copy', async () => {
    const tokenFile = join(room.folder, 'token');
    await writeFile(tokenFile, 'secret-token\n');
    const records = room.restarted(undefined, [createWebhookSink({ url, tokenFile })]);
    await room.append(1);
    const checkpoint = await records.checkpoint();
    expect(received.map(({ text }) => text)).toEqual([checkpoint?.note]);
    expect(received[0]?.request.headers).toMatchObject({ authorization: 'Bearer secret-token' });
    await rm(await outside());
    const note = received[0]?.text ?? '';
    expect(await records.verify({})).toMatchObject({ outcome: 'unanchored', anchored: 0 });
    expect(await records.verify({ notes: [{ source: 'copy', note }] })).toMatchObject({ outcome: 'ok', anchored: 22 });
    const other = note.replace(/\n22\n/, '\n21\n');
    expect(await records.verify({ notes: [{ source: 'copy', note: other }] })).toMatchObject({ outcome: 'unreadable' });
  });

  test.each([500, 302])('that answers %i gets the newest note later, and its failure is shown', async (failing) => {
    status = failing;
    const records = room.restarted(undefined, [createWebhookSink({ url })]);
    await room.append(1);
    const first = await records.checkpoint();
    expect(first?.published.map(({ ok }) => ok)).toEqual(expect.arrayContaining([true, false]));
    await room.append(1);
    await records.checkpoint();
    status = 200;
    received.length = 0;
    await eventually(async () => {
      room.clock.advance(1000);
      return (await records.checkpoints(1))[0]?.published.every(({ ok }) => ok);
    });
    expect(received.map(({ text }) => text)).toEqual([(await records.checkpoints(1))[0]?.note]);
    await records.stop();
  });

  test('that never answers is given up after its time', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => {
      silent.listen(0, '127.0.0.1', resolve);
    });
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const sink = createWebhookSink({ url: `http://127.0.0.1:${port}/`, timeoutMs: 50 });
    const records = room.restarted(undefined, [sink]);
    await room.append(1);
    const checkpoint = await records.checkpoint();
    expect(checkpoint?.published).toContainEqual(expect.objectContaining({ sink: sink.name, ok: false }));
    await records.stop();
    silent.closeAllConnections();
    silent.close();
  });
});

test('a signing key is made once, and the folder of checkpoints holds no secret', async () => {
  const key = await readFile(join(room.folder, 'ledger/signing-key.pem'), 'utf8');
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  const text = await readFile(await outside(), 'utf8');
  for (const line of key.split('\n').slice(1, -2)) expect(text).not.toContain(line);
});
