import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { configFilePath, writeConfigFile } from './config-file.ts';
import { serverUrl } from './server-url.ts';
import { findTarget } from './target.ts';

let homeDirectory: string;

beforeEach(() => {
  homeDirectory = mkdtempSync(join(tmpdir(), 'muster-target-'));
});

afterEach(() => rmSync(homeDirectory, { recursive: true, force: true }));

test('a flag goes before the environment, the environment before the configuration, and that before the default', () => {
  expect(findTarget({ env: {}, homeDirectory }, undefined)).toMatchObject({
    server: 'http://localhost:7070',
    serverFrom: 'default',
    token: undefined,
  });
  writeConfigFile(configFilePath({ env: {}, homeDirectory }), {
    server: 'http://localhost:1',
    tokens: { 'http://localhost:1': 'one', 'http://localhost:2': 'two' },
  });
  expect(findTarget({ env: {}, homeDirectory }, undefined)).toMatchObject({
    server: 'http://localhost:1',
    serverFrom: 'config',
    token: 'one',
  });
  const env = { MUSTER_SERVER: 'http://127.0.0.1:2/' };
  expect(findTarget({ env, homeDirectory }, undefined)).toMatchObject({ server: 'http://127.0.0.1:2', token: 'two' });
  expect(findTarget({ env: { ...env, MUSTER_TOKEN: 'mine' }, homeDirectory }, 'localhost:3')).toMatchObject({
    server: 'http://localhost:3',
    serverFrom: '--server',
    token: 'mine',
    tokenFrom: 'MUSTER_TOKEN',
  });
});

test('a token is never sent to another server than the one it was saved for', () => {
  writeConfigFile(configFilePath({ env: {}, homeDirectory }), { tokens: { 'http://localhost:1': 'one' } });
  for (const server of [
    'http://localhost:2',
    'https://localhost:1',
    'http://localhost.example.com:1',
    'http://localhost:1/other',
  ])
    expect(findTarget({ env: {}, homeDirectory }, server).token).toBeUndefined();
});

test('the file is readable by its user alone, and XDG_CONFIG_HOME and MUSTER_CONFIG_DIR are honoured', () => {
  const file = configFilePath({ env: { XDG_CONFIG_HOME: join(homeDirectory, 'xdg') }, homeDirectory });
  expect(file).toBe(join(homeDirectory, 'xdg', 'muster', 'config.json'));
  expect(configFilePath({ env: { MUSTER_CONFIG_DIR: '/own' }, homeDirectory })).toBe('/own/config.json');
  writeConfigFile(file, { tokens: {} });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test.each(['muster.example.com', 'ftp://x', 'http://', 'http://ana:secret@localhost:7070'])(
  '%s is no address of a server',
  (text) => {
    expect(() => serverUrl(text, '--server')).toThrow(expect.objectContaining({ name: 'UsageError' }));
  },
);
