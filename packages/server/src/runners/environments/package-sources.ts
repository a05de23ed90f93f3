import type { Interpreter } from './interpreters.ts';

/** Where packages come from: part of the `python` settings. */
export interface SourceSettings {
  readonly indexes: readonly string[];
  readonly wheelFolders: readonly string[];
  readonly downloadHosts: readonly string[];
  readonly offline: boolean;
  readonly allowSourceBuilds: boolean;
}

const pypi = 'https://pypi.org/simple';
/** Where pypi.org keeps its files. */
const pypiFilesHost = 'files.pythonhosted.org';

/** The variables that tell uv about its cache and the indexes. Addresses are not arguments: those everybody can read. */
export function sourceVariables(settings: SourceSettings, cacheFolder: string): Readonly<Record<string, string>> {
  const [first, ...others] = settings.indexes;
  return {
    UV_CACHE_DIR: cacheFolder,
    UV_PYTHON_DOWNLOADS: 'never',
    ...(first === undefined ? {} : { UV_DEFAULT_INDEX: first }),
    ...(others.length === 0 ? {} : { UV_INDEX: others.join(' ') }),
  };
}

/** The arguments that say the same to each command of uv that needs packages. */
export function sourceArguments(settings: SourceSettings): readonly string[] {
  return [
    ...(settings.offline ? ['--offline'] : []),
    ...settings.wheelFolders.flatMap((folder) => ['--find-links', folder]),
    ...(settings.allowSourceBuilds ? [] : ['--only-binary', ':all:']),
  ];
}

/** Hosts with ports that a build may reach: those of the indexes and of the files that they name. */
export function allowedHosts(settings: SourceSettings): readonly string[] {
  if (settings.offline) return [];
  const indexes = settings.indexes.length === 0 ? [pypi] : settings.indexes;
  const hosts = indexes.flatMap((index) => {
    const url = urlOf(index);
    return url === null ? [] : [`${url.hostname}:${url.port || (url.protocol === 'http:' ? '80' : '443')}`];
  });
  const files = hosts.includes('pypi.org:443') ? [`${pypiFilesHost}:443`] : [];
  const others = settings.downloadHosts.map((host) => (/:\d+$/.test(host) ? host : `${host}:443`));
  return [...new Set([...hosts, ...files, ...others].map((host) => host.toLowerCase()))];
}

/** An index may have a name in front: `internal=https://…`. */
function urlOf(index: string): URL | null {
  const text = index.replace(/^[A-Za-z0-9_-]+=/, '');
  return URL.canParse(text) ? new URL(text) : null;
}

/** What a build must read besides its program: wheels, the interpreter, certificates, credentials. */
export function readableForBuilds(
  settings: SourceSettings,
  interpreter: Interpreter,
  environment: Readonly<Record<string, string>>,
): readonly string[] {
  const home = environment['HOME'];
  const netrc = environment['NETRC'] ?? (home === undefined ? undefined : `${home}/.netrc`);
  const files = [netrc, environment['SSL_CERT_FILE'], environment['SSL_CERT_DIR']];
  return [
    ...settings.wheelFolders,
    ...interpreter.readable,
    ...files.filter((path) => path !== undefined && path.startsWith('/')),
  ].filter((path) => path !== undefined);
}
