import { fileURLToPath } from 'node:url';
import { findInterpreters } from '../src/runners/environments/interpreters.ts';
import { findUv } from '../src/runners/environments/uv-program.ts';

/** Kept beside the packages, so that it is installed once for all tests. */
const toolsFolder = fileURLToPath(new URL('../../../node_modules/.cache/muster-tools', import.meta.url));

const environment: Readonly<Record<string, string>> = Object.fromEntries(
  ['PATH', 'HOME', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy'].flatMap(
    (name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]),
  ),
);

/** The uv and the Pythons of this machine; null where there is no Python, or uv cannot be had, which in CI is an error. */
export async function uvForTests() {
  const interpreters = await findInterpreters({ configured: [], environment });
  if (interpreters.length === 0) return null;
  const sources = { indexes: [], wheelFolders: [], downloadHosts: [], offline: false, allowSourceBuilds: false };
  const { signal } = new AbortController();
  const search = {
    configured: undefined,
    sources,
    environment,
    toolsFolder,
    interpreters,
    onProgress: () => {},
    signal,
  };
  try {
    const { command } = await findUv(search);
    return { command, interpreters };
  } catch (error) {
    if (process.env['CI'] === 'true') throw error;
    return null;
  }
}
