import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { exportHeaderSchema } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditRoom, auditCaller, openAuditRoom } from '../../test-support/audit-room.ts';
import { type TestDatabase, openTestDatabase } from '../../test-support/database.ts';
import { type TestApi, openTestApi } from '../../test-support/test-api.ts';
import type { StoredEntry } from '../ledger/index.ts';
import { auditRoutes } from './index.ts';

const auditor = auditCaller('carol', {}, { platformRoles: ['auditor'] });

let opened: TestDatabase;
let room: AuditRoom;
let api: TestApi;

beforeEach(async () => {
  opened = await openTestDatabase('sqlite');
  room = await openAuditRoom(opened.database);
  api = openTestApi({ auditor }, auditRoutes(room.audit));
});
afterEach(async () => {
  await api.close();
  await room.close();
  await opened.close();
});

describe('an export', () => {
  test('is a header and every entry that was there, byte for byte; its own entry comes after', async () => {
    for (let count = 0; count < 3; count++) await room.append({ subject: { kind: 'model', id: `ü "${count}"\n` } });
    const answer = await api.call('GET', '/audit/export');
    expect(answer.headers['content-type']).toContain('application/octet-stream');
    expect(answer.headers['content-disposition']).toContain('muster-ledger.jsonl');
    const [header, ...lines] = answer.body.trimEnd().split('\n');
    expect(exportHeaderSchema.parse(JSON.parse(header ?? ''))).toEqual({
      format: 'muster-ledger-export/1',
      origin: 'muster/twin',
      keys: ['key'],
    });
    const stored = await room.records.search({ visible: '*' }, { limit: 10 });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(stored.toReversed().slice(0, 3));
    expect(stored).toHaveLength(4);
    expect(stored[0]?.body).toContain('"action":"audit.export"');
  });

  test('reads on only as fast as it is taken, so that a large ledger takes no memory', async () => {
    let batches = 0;
    room.records.all = async function* () {
      const batch: StoredEntry[] = Array.from({ length: 1000 }, () => ({ seq: -1, body: 'x'.repeat(500) }));
      for (; batches < 1000; batches++) yield await Promise.resolve(batch);
    };
    const { stream } = await room.audit.exportLedger(auditor);
    await once(stream, 'readable');
    expect(batches).toBeLessThan(50);
    stream.destroy();
  });

  test('that fails in its middle breaks the connection, and never looks complete', async () => {
    room.records.all = async function* () {
      yield await Promise.resolve([{ seq: -1, body: '{}' }]);
      throw new Error('the disk is gone');
    };
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/audit/export`, {
      headers: { authorization: 'auditor' },
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
  });
});
