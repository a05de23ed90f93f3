import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ChannelSettings, readChannels } from './read-channels.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-channels-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const secret = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;
function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const read = (settings: Partial<ChannelSettings>) =>
  readChannels({ webhooks: [], slack: [], ...settings }, { environment: 'test', userAgent: 'muster/test' });
function problemOf(settings: Partial<ChannelSettings>): { readonly place: unknown; readonly text: string } {
  try {
    read(settings);
  } catch (error) {
    if (error instanceof MusterError && error.code === 'invalid_configuration')
      return { place: error.place, text: `${error.message} ${error.remedy}` };
    throw error;
  }
  throw new Error('it was taken');
}
const webhook = (text: string, url = 'https://hooks.example.org/a?key=b') => ({
  url,
  secretFile: file('secret', text),
});
const mail = { host: 'localhost', port: 25, secure: false, from: 'muster@example.org', to: ['ops@example.org'] };

test('each has a name that stays the same and tells no secret', () => {
  const channels = read({
    webhooks: [webhook(secret(32)), webhook(secret(32)), webhook(secret(32), 'http://localhost:9/x')],
    slack: [{ urlFile: file('slack', 'https://chat.example.org/services/T0/B0/secret\n') }],
    mail,
  });
  expect(channels.map(({ name }) => name)).toEqual([
    'webhook:hooks.example.org',
    'webhook:hooks.example.org#2',
    'webhook:localhost:9',
    'slack:1',
    'mail',
  ]);
});

test.each([
  ['is empty', ''],
  ['is too short', secret(23)],
  ['is too long', secret(65)],
  ['has another form', 'whsec_not base64!'],
  ['has no mark', Buffer.alloc(32, 7).toString('base64')],
  ['is one of many', Array.from({ length: 6 }, () => secret(32)).join('\n')],
])('a secret that %s is refused, with its place and how to make one, and is not told', (_what, text) => {
  const { place, text: told } = problemOf({ webhooks: [webhook(text)] });
  expect(place).toBe('notifications.webhooks[0].secretFile');
  expect(told).toContain('openssl rand -base64 32');
  if (text !== '') expect(told).not.toContain(text);
});

test('a file that is not there is named', () => {
  const secretFile = join(folder, 'none');
  expect(problemOf({ webhooks: [{ url: 'https://a.example.org', secretFile }] })).toEqual({
    place: 'notifications.webhooks[0].secretFile',
    text: `${secretFile} cannot be read (ENOENT) Check the path and its permissions.`,
  });
});

test.each([
  'http://chat.example.org/services/secret',
  'https://user:secret@chat.example.org/services',
  'http://127.0.0.1:secret@chat.example.org/',
  'secret words',
])('an address of a chat that may not be used is refused and not told: %s', (text) => {
  const { place, text: told } = problemOf({ slack: [{ urlFile: file('slack', text) }] });
  expect(place).toBe('notifications.slack[0].urlFile');
  expect(told).not.toContain('secret');
});

test('a user of the mail server needs a password, and the other way round', () => {
  expect(problemOf({ mail: { ...mail, username: 'muster' } }).place).toBe('notifications.mail.passwordFile');
  const passwordFile = file('password', 'x');
  expect(problemOf({ mail: { ...mail, passwordFile } }).place).toBe('notifications.mail.username');
  const empty = { ...mail, username: 'muster', passwordFile: file('password', '\n') };
  expect(problemOf({ mail: empty }).text).toContain('is empty');
});
