import { readConfiguration } from './read-configuration.ts';
import type { Configuration } from './settings.ts';

/** The settings of this process, from its flags, its environment and the file; frozen. Throws `invalid_configuration`. */
export function readOwnConfiguration(flags: readonly string[]): Configuration {
  return readConfiguration({ flags, environment: process.env, workingDirectory: process.cwd() });
}

/** What children of this process may inherit of its environment. */
export function ownEnvironments(): ChildEnvironments {
  return environmentsFrom(process.env);
}

/** The whole environment of children, by what they are. */
export interface ChildEnvironments {
  readonly server: Readonly<Record<string, string>>;
  readonly runner: Readonly<Record<string, string>>;
  /** Programs that fetch packages: they need the way to the indexes and the credentials for them. */
  readonly tools: Readonly<Record<string, string>>;
}

const forEverybody = ['PATH', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ'];
/** Control and gateway are our own code; settings reach them over their channel, so nothing with our prefix is here. */
const forServers = [
  ...forEverybody,
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'NODE_OPTIONS',
  'NODE_EXTRA_CA_CERTS',
  'NODE_COMPILE_CACHE',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'PGPASSFILE',
  'PGSERVICEFILE',
  'PGSSLROOTCERT',
];

const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'];
const forTools = [
  ...forEverybody,
  ...proxies,
  ...proxies.map((name) => name.toLowerCase()),
  'HOME',
  'NETRC',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'UV_HTTP_TIMEOUT',
  'UV_HTTP_RETRIES',
  'UV_NATIVE_TLS',
  'UV_SYSTEM_CERTS',
  'UV_CONCURRENT_DOWNLOADS',
  'UV_INSECURE_HOST',
];
/** They belong to a package index that is written `name=https://…`. */
const indexCredentials = /^UV_INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)$/;

/**
 * glibc keeps freed memory otherwise: of eight models of 19 MB, 257 MB stayed after their release, and 7 do so. Not
 * lower than this: setting either threshold ends glibc's own adjustment of both, and a network whose intermediate
 * results are mapped and trimmed anew in each run then takes seven times as long (trim at 64 KiB; measured).
 */
const runnerMemory = { MALLOC_TRIM_THRESHOLD_: '16777216', MALLOC_MMAP_THRESHOLD_: '4194304' };

/** Picks what each kind of child may have. Nothing else is inherited: the environment of a shell is full of credentials. */
export function environmentsFrom(environment: Readonly<Record<string, string | undefined>>): ChildEnvironments {
  const pick = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])));
  return {
    server: pick(forServers),
    runner: { ...pick(forEverybody), ...runnerMemory },
    tools: pick([...forTools, ...Object.keys(environment).filter((name) => indexCredentials.test(name))]),
  };
}
