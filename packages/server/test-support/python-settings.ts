import type { LocalHostSettings } from '../src/runners/start-local-host.ts';

/** The `python` settings as they are by default. */
export const pythonSettings: LocalHostSettings['python'] = {
  interpreters: [],
  indexes: [],
  wheelFolders: [],
  downloadHosts: [],
  offline: false,
  allowSourceBuilds: false,
  environmentMs: 900_000,
  maxEnvironmentBytes: 8 * 1024 ** 3,
  keepUnusedMs: 7 * 86_400_000,
};
