import { join } from 'node:path';
import { silentLogger } from '../src/platform/telemetry/index.ts';
import type { LocalHostSettings, LocalHostStart } from '../src/runners/start-local-host.ts';
import { pythonSettings } from './python-settings.ts';

/** How a test starts a host in `data`, `run` and `config` of its folder, with the time that a busy machine needs. */
export function localHostStart(
  folder: string,
  isolation: LocalHostSettings['runners']['isolation'],
  settings: Partial<LocalHostSettings> = {},
): LocalHostStart {
  return {
    configuration: {
      dataDir: join(folder, 'data'),
      runtimeDir: join(folder, 'run'),
      configDir: join(folder, 'config'),
      runners: { isolation, hangMs: 10_000, loadMs: 20_000, parallelLoads: 1 },
      limits: { inspectionMs: 60_000, inspectionMemoryBytes: 1024 ** 3 },
      python: pythonSettings,
      ...settings,
    },
    environment: { PATH: process.env['PATH'] ?? '' },
    toolEnvironment: {},
    software: 'test',
    log: silentLogger(),
  };
}
