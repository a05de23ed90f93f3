import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environmentsFrom } from './own-configuration.ts';
import { readConfiguration, showConfiguration } from './index.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(flags: readonly string[] = [], environment: Record<string, string> = {}, workingDirectory = folder) {
  return readConfiguration({ flags, environment: { HOME: '/home/ada', ...environment }, workingDirectory });
}

/** `place: message | remedy` of the refusal. */
function refusal(flags: readonly string[], environment: Record<string, string> = {}): string {
  try {
    read(flags, environment);
  } catch (error) {
    if (error instanceof MusterError && error.code === 'invalid_configuration')
      return `${error.place}: ${error.message} | ${error.remedy}`;
    throw error;
  }
  return 'accepted';
}

function file(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

describe('what wins', () => {
  test('without any setting the defaults hold, with absolute paths', () => {
    expect(read()).toMatchObject({
      dataDir: join(folder, '.muster'),
      configDir: '/home/ada/.config/muster',
      host: '127.0.0.1',
      port: 7070,
      environment: 'dev',
    });
  });

  test('flags win over the environment, the environment over the file, the file over the defaults', () => {
    const config = file('layers.json', { port: 1, host: 'localhost', log: { level: 'debug', maxFiles: 7 } });
    const configuration = read(['--config', config, '--port', '3'], { MUSTER_PORT: '2', MUSTER_LOG_LEVEL: 'warn' });
    expect(configuration).toMatchObject({
      port: 3,
      host: 'localhost',
      log: { level: 'warn', maxFiles: 7, maxFileBytes: 10_485_760 },
    });
  });

  test('lists are separated by commas, and a boolean flag needs no value', () => {
    expect(read(['--allow-plain-http', '--trusted-proxies=10.0.0.0/8, ::1'])).toMatchObject({
      allowPlainHttp: true,
      trustedProxies: ['10.0.0.0/8', '::1'],
    });
  });

  test('a list of more than texts is JSON, in a variable too', () => {
    const servers = [{ url: 'http://mlflow:5000', username: 'ann' }];
    expect(read(['--mlflow-servers', JSON.stringify(servers)]).mlflow.servers).toEqual(servers);
    expect(() => read(['--mlflow-servers', 'http://mlflow:5000'])).toThrow(/mlflow-servers/);
  });

  test('paths lead from where they are written, whoever reads them later', () => {
    const flags = [
      '--python-uv=bin/uv',
      '--python-interpreters=py/python3,/usr/bin/python3',
      '--python-wheel-folders=w',
    ];
    const servers = JSON.stringify([{ url: 'http://mlflow:5000', tokenFile: 'token', passwordFile: '/run/password' }]);
    const { python, mlflow } = read([...flags, `--mlflow-servers=${servers}`]);
    expect(python).toMatchObject({
      uv: `${folder}/bin/uv`,
      interpreters: [`${folder}/py/python3`, '/usr/bin/python3'],
      wheelFolders: [`${folder}/w`],
    });
    expect(mlflow.servers).toMatchObject([{ tokenFile: `${folder}/token`, passwordFile: '/run/password' }]);
  });

  test('nobody can change a setting afterwards', () => {
    expect(() => Object.assign(read().log, { level: 'debug' })).toThrow(TypeError);
  });

  test('the runtime folder is short and the same for the same data directory', () => {
    const deep = `/very/${'long/'.repeat(100)}path`;
    const first = read(['--data-dir', deep]).runtimeDir;
    expect(first).toBe(read(['--data-dir', deep]).runtimeDir);
    expect(first).not.toBe(read(['--data-dir', `${deep}2`]).runtimeDir);
    expect(Buffer.byteLength(first)).toBeLessThanOrEqual(60);
  });
});

describe('what is refused, in these words', () => {
  test.each([
    [['--prot', '3'], '--prot: --prot is not a setting; did you mean --port? | --help lists the flags.'],
    [['--port', 'x'], '--port: --port is "x"; a number is needed | Give digits only.'],
    [['--port'], '--port: --port needs a value | Give one: --port VALUE.'],
    [
      ['--port', '70000'],
      '--port: --port is 70000: Too big: expected number to be <=65535 | port: Port of everything: predictions, API and console. 0 takes a free one.',
    ],
    [['serve'], 'serve: "serve" is not expected here | Flags begin with --; see --help for the settings.'],
    [
      ['--allow-plain-http=maybe'],
      '--allow-plain-http: --allow-plain-http is "maybe"; true or false is needed | Give true or false.',
    ],
    [
      ['--database-url', 'postgres://u:p@h/d'],
      '--database-url: --database-url is a secret, and everybody on this machine can read flags | Set MUSTER_DATABASE_URL, or databaseUrl in the file.',
    ],
    [
      ['--host', '0.0.0.0'],
      '--host: 0.0.0.0 is reachable from other machines, and tokens would cross the network readable | Set tls.cert and tls.key, name the proxy that ends TLS in trustedProxies, or say --allow-plain-http.',
    ],
    [['--tls-cert', 'c.pem'], '--tls-cert: tls.cert is set and tls.key is not | Set both, or neither.'],
    [
      ['--config', 'absent.json'],
      'absent.json: absent.json cannot be read (ENOENT) | Check the path and its permissions.',
    ],
  ])('%j', (flags, expected) => expect(refusal(flags)).toBe(expected));

  test('an unknown variable with our prefix', () => {
    expect(refusal([], { MUSTER_LOG_LEVLE: 'info' })).toBe(
      'MUSTER_LOG_LEVLE: MUSTER_LOG_LEVLE is not a setting; did you mean MUSTER_LOG_LEVEL? | docs/reference/configuration.md lists the variables.',
    );
  });

  test('variables of the command line and of other programs are none of our business', () => {
    expect(refusal([], { MUSTER_TOKEN: 'x', MUSTER_SERVER: 'http://localhost', PORT: 'x' })).toBe('accepted');
  });

  test('an unknown key in the file, at any depth', () => {
    expect(refusal(['--config', file('a.json', { log: { levle: 'info' } })])).toMatch(
      /^a\.json: log\.levle: log\.levle is not a setting; did you mean log\.level\? \|/,
    );
    expect(refusal(['--config', file('b.json', { lgo: {} })])).toMatch(
      /^b\.json: lgo: lgo is not a setting; did you mean log\? \|/,
    );
    expect(refusal(['--config', file('c.json', { log: 3 })])).toBe(
      'c.json: log: log must be an object of settings | Write {"setting": value}.',
    );
    expect(refusal(['--config', file('d.json', '{"port": ')])).toMatch(/^d\.json: d\.json is not valid JSON: /);
    expect(refusal(['--config', file('e.json', { port: '80' })])).toMatch(
      /^e\.json: port: e\.json: port is "80": Invalid input: expected number, received string/,
    );
  });

  test('a value that does not fit, shown unless it is a secret', () => {
    expect(refusal([], { MUSTER_ENVIRONMENT: 'Prod!' })).toMatch(
      /^MUSTER_ENVIRONMENT: MUSTER_ENVIRONMENT is "Prod!": must be lower-case letters/,
    );
    expect(refusal([], { MUSTER_INTERNAL_TOKEN: 'tooshort' })).toMatch(
      /^MUSTER_INTERNAL_TOKEN: MUSTER_INTERNAL_TOKEN is •••: /,
    );
  });

  test('a runtime folder in which no socket would fit', () => {
    expect(refusal(['--runtime-dir', `/${'x'.repeat(60)}`])).toMatch(
      /has 61 bytes; the path of the runtime folder has at most 60/,
    );
  });
});

test('plain HTTP beyond this machine is accepted when it is said, or behind a named proxy, or with TLS', () => {
  expect(refusal(['--host', '0.0.0.0', '--allow-plain-http'])).toBe('accepted');
  expect(refusal(['--host', '0.0.0.0', '--trusted-proxies', '10.0.0.1'])).toBe('accepted');
  expect(refusal(['--host', '0.0.0.0', '--tls-cert', 'c', '--tls-key', 'k'])).toBe('accepted');
  expect(refusal(['--host', '127.0.0.2'])).toBe('accepted');
});

test('secrets print as •••', () => {
  const shown = JSON.stringify(
    showConfiguration(
      read([], { MUSTER_DATABASE_URL: 'postgres://u:hunter2@h/d', MUSTER_INTERNAL_TOKEN: 'sixteen-characters' }),
    ),
  );
  expect(shown).toContain('"databaseUrl":"•••"');
  expect(shown).not.toMatch(/hunter2|sixteen/);
});

describe('notifications', () => {
  const hook = { url: 'https://hooks.example.org/a?key=hunter2', secretFile: 'secret' };
  const mail = { host: 'mail.example.org', from: 'muster@example.org', to: ['ana@example.org'], passwordFile: 'p' };

  test('have their files beside the working directory, and defaults', () => {
    const notifications = { webhooks: [hook], slack: [{ urlFile: '/etc/slack', events: ['test'] }], mail };
    expect(read(['--config', file('told.json', { notifications })]).notifications).toEqual({
      webhooks: [{ ...hook, secretFile: join(folder, 'secret') }],
      slack: [{ urlFile: '/etc/slack', events: ['test'] }],
      mail: { ...mail, port: 587, secure: false, passwordFile: join(folder, 'p') },
    });
    expect(read().notifications).toEqual({ webhooks: [], slack: [], mail: undefined });
  });

  test('show neither the path of an address nor whom they are mailed to', () => {
    const path = file('told.json', { notifications: { webhooks: [hook], mail } });
    const shown = JSON.stringify(showConfiguration(read(['--config', path])));
    expect(shown).toContain('https://hooks.example.org/…');
    expect(shown).toContain('"notifications.mail.to":"•••"');
    expect(shown).not.toMatch(/hunter2|ana@/);
  });

  test.each([
    ['http://hooks.example.org/', 'must be https, or http on this machine'],
    ['https://u:hunter2@hooks.example.org/', 'must not hold credentials'],
    ['http://127.0.0.1:hunter2@hooks.example.org/', 'must not hold credentials'],
  ])('are not sent to %s, and the refusal tells no password', (url, why) => {
    const path = file('told.json', { notifications: { webhooks: [{ ...hook, url }] } });
    const refused = refusal(['--config', path]);
    expect(refused).toContain(why);
    expect(refused).not.toContain('hunter2@');
  });

  test('are refused for an event that there is not, and for mail without whom to send it to', () => {
    const odd = { webhooks: [{ ...hook, events: ['standing.lost'] }] };
    expect(refusal(['--config', file('told.json', { notifications: odd })])).toMatch(
      /notifications.webhooks is .*standing/,
    );
    const { to: _to, ...nobody } = mail;
    expect(refusal(['--config', file('told.json', { notifications: { mail: nobody } })])).toContain(
      'notifications.mail',
    );
  });
});

test('children inherit what is listed and nothing else', () => {
  const { server, runner, tools } = environmentsFrom({
    PATH: '/bin',
    HOME: '/home/ada',
    https_proxy: 'http://proxy:3128',
    UV_INDEX_OWN_PASSWORD: 'x',
    UV_INDEX: 'https://evil.example',
    PYTHONPATH: '/evil',
    AWS_SECRET_ACCESS_KEY: 'x',
    MUSTER_DATABASE_URL: 'x',
    GITHUB_TOKEN: 'x',
  });
  expect(server).toEqual({ PATH: '/bin', HOME: '/home/ada' });
  expect(tools).toEqual({
    PATH: '/bin',
    HOME: '/home/ada',
    https_proxy: 'http://proxy:3128',
    UV_INDEX_OWN_PASSWORD: 'x',
  });
  expect(runner).toEqual({ PATH: '/bin', MALLOC_TRIM_THRESHOLD_: '16777216', MALLOC_MMAP_THRESHOLD_: '4194304' });
});
