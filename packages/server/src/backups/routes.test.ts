import { type Operation, backupSchema } from '@muster-ml/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BackupRoom, openBackupRoom } from '../../test-support/backup-room.ts';
import { callerIn } from '../../test-support/registry.ts';
import { type TestApi, codeOf, openTestApi } from '../../test-support/test-api.ts';
import { backupRoutes } from './routes.ts';

let room: BackupRoom;
let api: TestApi;
beforeEach(async () => {
  room = await openBackupRoom('sqlite');
  api = openTestApi({ admin: room.admin, member: callerIn({ default: ['operator'] }) }, backupRoutes(room.backups));
});
afterEach(async () => {
  await api.close();
  await room.close();
});

test('202 with an operation whose result is the backup, and 200 with the list that has it', async () => {
  const answer = await api.call('POST', '/backups');
  expect(answer.statusCode).toBe(202);
  const ended = await room.ended(answer.json<Operation>());
  const backup = backupSchema.parse(ended.result?.['backup']);
  const list = await api.call('GET', '/backups?limit=1');
  expect([list.statusCode, list.json()]).toEqual([200, { items: [backup] }]);
});

test('409 while another is being made', async () => {
  const first = await api.call('POST', '/backups');
  expect(await codeOf(api.call('POST', '/backups'))).toEqual([409, 'backup_running']);
  await room.ended(first.json<Operation>());
});

test('400 for a page that cannot be', async () => {
  expect(await codeOf(api.call('GET', '/backups?limit=0'))).toEqual([400, 'invalid_request']);
});

test('401 without a token, 403 without the right', async () => {
  for (const method of ['GET', 'POST'] as const) {
    expect(await codeOf(api.call(method, '/backups', undefined, { authorization: '' }))).toEqual([
      401,
      'token_missing',
    ]);
    expect(await codeOf(api.call(method, '/backups', undefined, { authorization: 'member' }))).toEqual([
      403,
      'not_allowed',
    ]);
  }
});
