import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MusterError } from '@muster-ml/protocol';
import { freezeDeep } from './freeze-deep.ts';
import { nearest } from './nearest.ts';
import { type Setting, listSettings } from './setting-names.ts';
import { type Configuration, settingsSchema } from './settings.ts';

/** Where settings come from; later ones win: the file, the environment, the flags. */
export interface ConfigurationSources {
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
}

/** Variables with Muster's prefix that belong to the command line and to tests, not to the server. */
const foreignVariables = /^MUSTER_(CONFIG|SERVER|TOKEN|DEBUG|RUNNER_.*|TEST_.*|BENCH_.*|E2E_.*|DEMO_.*)$/;

const defaultFile = 'muster.config.json';
const maxFileBytes = 1024 * 1024;

/** One value and where it stands, for error messages. */
interface Given {
  readonly value: unknown;
  readonly place: string;
}

/**
 * Reads, merges and checks all settings. Throws `invalid_configuration`, naming the place and the value,
 * for an unknown name (with the nearest known one), a value that does not fit, and settings that contradict each other.
 */
export function readConfiguration(sources: ConfigurationSources): Configuration {
  const settings = listSettings();
  const flags = readFlags(sources.flags, settings);
  const file = flags.file ?? sources.environment['MUSTER_CONFIG'];
  const given = new Map<string, Given>([
    ...readFile(sources.workingDirectory, file, settings),
    ...readEnvironment(sources.environment, settings),
    ...flags.given,
  ]);
  const parsed = settingsSchema.safeParse(nest(settings, given));
  if (!parsed.success) throw invalid(parsed.error.issues[0], given);
  return freezeDeep(complete(parsed.data, sources, given));
}

function readFlags(
  flags: readonly string[],
  settings: readonly Setting[],
): { file: string | undefined; given: [string, Given][] } {
  const options = Object.fromEntries([
    ['config', { type: 'string' as const }],
    ...settings.map(
      (setting) =>
        [
          setting.flag.slice(2),
          { type: setting.kind === 'boolean' ? ('boolean' as const) : ('string' as const) },
        ] as const,
    ),
  ]);
  const { tokens } = parseArgs({ args: [...flags], options, strict: false, tokens: true, allowPositionals: true });
  const byFlag = new Map(settings.map((setting) => [setting.flag, setting]));
  const given: [string, Given][] = [];
  let file: string | undefined;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional')
      throw wrong(
        token.value,
        `"${token.value}" is not expected here`,
        'Flags begin with --; see --help for the settings.',
      );
    const setting = byFlag.get(token.rawName);
    if (setting?.isSecret === true)
      throw wrong(
        token.rawName,
        `${token.rawName} is a secret, and everybody on this machine can read flags`,
        `Set ${setting.variable}, or ${setting.key} in the file.`,
      );
    if (token.rawName !== '--config' && setting === undefined)
      throw unknown(token.rawName, token.rawName, ['--config', ...byFlag.keys()], '--help lists the flags.');
    const text = token.value ?? (setting?.kind === 'boolean' ? 'true' : undefined);
    if (text === undefined)
      throw wrong(token.rawName, `${token.rawName} needs a value`, `Give one: ${token.rawName} VALUE.`);
    if (setting === undefined) file = text;
    else given.push([setting.key, { value: fromText(setting, text, token.rawName), place: token.rawName }]);
  }
  return { file, given };
}

function readEnvironment(
  environment: ConfigurationSources['environment'],
  settings: readonly Setting[],
): [string, Given][] {
  const byVariable = new Map(settings.map((setting) => [setting.variable, setting]));
  const given: [string, Given][] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith('MUSTER_') || text === undefined || foreignVariables.test(name)) continue;
    const setting = byVariable.get(name);
    if (setting === undefined)
      throw unknown(name, name, [...byVariable.keys()], 'docs/reference/configuration.md lists the variables.');
    given.push([setting.key, { value: fromText(setting, text, name), place: name }]);
  }
  return given;
}

function readFile(
  workingDirectory: string,
  wished: string | undefined,
  settings: readonly Setting[],
): [string, Given][] {
  const name = wished ?? defaultFile;
  const text = textOf(resolve(workingDirectory, name), name, wished !== undefined);
  if (text === undefined) return [];
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw wrong(name, `${name} is not valid JSON: ${(error as Error).message}`, 'Correct the file.');
  }
  const known = new Map(settings.map((setting) => [setting.key, setting]));
  const groups = new Set(
    settings.flatMap((setting) =>
      setting.path.slice(0, -1).map((_, index) => setting.path.slice(0, index + 1).join('.')),
    ),
  );
  const given: [string, Given][] = [];
  const walk = (value: unknown, path: string): void => {
    if (known.has(path)) {
      given.push([path, { value, place: `${name}: ${path}` }]);
    } else if (path !== '' && !groups.has(path)) {
      throw unknown(
        `${name}: ${path}`,
        path,
        [...known.keys(), ...groups],
        'docs/reference/configuration.md lists the settings.',
      );
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
    } else {
      throw wrong(
        path === '' ? name : `${name}: ${path}`,
        `${path === '' ? name : path} must be an object of settings`,
        'Write {"setting": value}.',
      );
    }
  };
  walk(document, '');
  return given;
}

function textOf(file: string, name: string, mustExist: boolean): string | undefined {
  try {
    const sizeBytes = statSync(file).size;
    if (sizeBytes > maxFileBytes)
      throw wrong(
        name,
        `${name} has ${sizeBytes} bytes; a configuration has at most ${maxFileBytes}`,
        'Name another file with --config.',
      );
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof MusterError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' && !mustExist) return undefined;
    throw wrong(name, `${name} cannot be read (${code ?? String(error)})`, 'Check the path and its permissions.');
  }
}

function fromText(setting: Setting, text: string, place: string): unknown {
  switch (setting.kind) {
    case 'text':
      return text;
    case 'list':
      return (
        jsonList(text) ??
        text
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== '')
      );
    case 'number': {
      if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
      throw wrong(place, `${place} is "${text}"; a number is needed`, 'Give digits only.');
    }
    case 'boolean': {
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw wrong(place, `${place} is "${text}"; true or false is needed`, 'Give true or false.');
    }
  }
}

/** A list of more than texts is written as JSON. */
function jsonList(text: string): unknown[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function nest(settings: readonly Setting[], given: ReadonlyMap<string, Given>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const setting of settings) {
    const value = given.get(setting.key);
    if (value === undefined) continue;
    let group = root;
    for (const part of setting.path.slice(0, -1)) group = (group[part] ??= {}) as Record<string, unknown>;
    group[setting.path.at(-1) ?? ''] = value.value;
  }
  return root;
}

function complete(
  settings: ReturnType<typeof settingsSchema.parse>,
  sources: ConfigurationSources,
  given: ReadonlyMap<string, Given>,
): Configuration {
  const from = (path: string): string => resolve(sources.workingDirectory, path);
  if ((settings.tls.cert === undefined) !== (settings.tls.key === undefined)) {
    const [has, lacks] = settings.tls.cert === undefined ? ['tls.key', 'tls.cert'] : ['tls.cert', 'tls.key'];
    throw wrong(given.get(has)?.place ?? has, `${has} is set and ${lacks} is not`, 'Set both, or neither.');
  }
  if (
    settings.tls.cert === undefined &&
    !isLoopback(settings.host) &&
    !settings.allowPlainHttp &&
    settings.trustedProxies.length === 0
  ) {
    throw wrong(
      given.get('host')?.place ?? 'host',
      `${settings.host} is reachable from other machines, and tokens would cross the network readable`,
      'Set tls.cert and tls.key, name the proxy that ends TLS in trustedProxies, or say --allow-plain-http.',
    );
  }
  const dataDir = from(settings.dataDir);
  const runtimeDir = runtimeDirOf(
    settings.runtimeDir === undefined ? undefined : from(settings.runtimeDir),
    dataDir,
    sources,
    given,
  );
  return {
    ...settings,
    dataDir,
    configDir: from(
      settings.configDir ??
        join(
          sources.environment['XDG_CONFIG_HOME'] || join(sources.environment['HOME'] || homedir(), '.config'),
          'muster',
        ),
    ),
    runtimeDir,
    python: {
      ...settings.python,
      interpreters: settings.python.interpreters.map(from),
      uv: settings.python.uv && from(settings.python.uv),
      wheelFolders: settings.python.wheelFolders.map(from),
    },
    audit: {
      ...settings.audit,
      folder: settings.audit.folder === undefined ? undefined : from(settings.audit.folder),
      webhooks: settings.audit.webhooks.map((webhook) => ({
        ...webhook,
        ...(webhook.tokenFile === undefined ? {} : { tokenFile: from(webhook.tokenFile) }),
      })),
    },
    notifications: {
      webhooks: settings.notifications.webhooks.map((webhook) => ({
        ...webhook,
        secretFile: from(webhook.secretFile),
      })),
      slack: settings.notifications.slack.map((chat) => ({ ...chat, urlFile: from(chat.urlFile) })),
      mail: settings.notifications.mail && {
        ...settings.notifications.mail,
        passwordFile: settings.notifications.mail.passwordFile && from(settings.notifications.mail.passwordFile),
      },
    },
    mlflow: {
      ...settings.mlflow,
      servers: settings.mlflow.servers.map((server) => ({
        ...server,
        passwordFile: server.passwordFile && from(server.passwordFile),
        tokenFile: server.tokenFile && from(server.tokenFile),
      })),
    },
    tls: { cert: settings.tls.cert && from(settings.tls.cert), key: settings.tls.key && from(settings.tls.key) },
    backup: { folder: from(settings.backup.folder ?? join(dataDir, 'backups')) },
    secrets: {
      ...settings.secrets,
      keyFile:
        settings.secrets.keyFile === undefined ? join(dataDir, 'secrets', 'key') : from(settings.secrets.keyFile),
    },
    internal: {
      controlAddress: settings.internal.controlAddress ?? `unix:${join(runtimeDir, 'server', 'control')}`,
      token:
        settings.internal.token ?? (settings.internal.tokenFile && readToken(from(settings.internal.tokenFile), given)),
    },
  };
}

function readToken(file: string, given: ReadonlyMap<string, Given>): string {
  const place = given.get('internal.tokenFile')?.place ?? 'internal.tokenFile';
  const token = textOf(file, file, true)?.trim() ?? '';
  if (token.length < 16)
    throw wrong(
      place,
      `${file} holds no secret of at least 16 characters`,
      'Write one, such as the output of: openssl rand -hex 32',
    );
  return token;
}

/** 60 bytes leave room for the folder and the socket of a runner below the 107 that a Unix socket's path may have. */
const maxRuntimeDirBytes = 60;

function runtimeDirOf(
  wished: string | undefined,
  dataDir: string,
  sources: ConfigurationSources,
  given: ReadonlyMap<string, Given>,
): string {
  if (wished !== undefined) {
    const sizeBytes = Buffer.byteLength(wished);
    if (sizeBytes <= maxRuntimeDirBytes) return wished;
    throw wrong(
      given.get('runtimeDir')?.place ?? 'runtimeDir',
      `${wished} has ${sizeBytes} bytes; the path of the runtime folder has at most ${maxRuntimeDirBytes}`,
      'Choose a shorter path.',
    );
  }
  // The same data directory always gives the same folder, so what a crash left there is found and cleared.
  const user = process.getuid?.() ?? 0;
  const name = `muster-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`;
  const candidates = user === 0 ? ['/run'] : [sources.environment['XDG_RUNTIME_DIR']];
  const parent = candidates.find(
    (folder) =>
      folder !== undefined &&
      folder !== '' &&
      Buffer.byteLength(join(folder, name)) <= maxRuntimeDirBytes &&
      isUsable(folder),
  );
  return parent === undefined ? `/tmp/${name}-${user}` : join(parent, name);
}

function isUsable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether only this machine reaches the address. A name other than localhost may resolve to anything. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function invalid(
  issue: { readonly path: readonly PropertyKey[]; readonly message: string } | undefined,
  given: ReadonlyMap<string, Given>,
): MusterError {
  const path = issue?.path ?? [];
  const key =
    [...path.keys()].map((index) => path.slice(0, index + 1).join('.')).findLast((candidate) => given.has(candidate)) ??
    path.join('.');
  const place = given.get(key)?.place ?? key;
  const setting = listSettings().find((candidate) => candidate.key === key);
  const shown = setting?.isSecret === true ? '•••' : withoutCredentials(given.get(key)?.value);
  return wrong(
    place,
    `${place} is ${shown}: ${issue?.message ?? 'not valid'}`,
    setting === undefined ? 'Correct the value.' : `${setting.key}: ${setting.description}.`,
  );
}

function unknown(place: string, name: string, known: readonly string[], remedy: string): MusterError {
  const near = nearest(name, known);
  return wrong(place, `${name} is not a setting${near === undefined ? '' : `; did you mean ${near}?`}`, remedy);
}

function wrong(place: string, message: string, remedy: string): MusterError {
  return new MusterError('invalid_configuration', message, { place, remedy });
}

/** A value that was refused, as it may be shown: an address keeps its user and password to itself. */
function withoutCredentials(value: unknown): string | undefined {
  const text = JSON.stringify(value) as string | undefined;
  return text?.replaceAll(/\/\/[^/?#\s"@]*@/g, '//•••@');
}
