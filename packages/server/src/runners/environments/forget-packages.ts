import { runProgram } from '../../platform/processes/index.ts';
import type { Logger } from '../../platform/telemetry/index.ts';
import { cacheFolderOf } from './environment-folder.ts';
import type { Uv } from './uv-program.ts';

export interface CachedPackages {
  readonly names: readonly string[];
  readonly folder: string;
  readonly uv: Uv;
  readonly environment: Readonly<Record<string, string>>;
  readonly log: Logger;
}

const limitMs = 120_000;

/** Takes packages that no environment has any more out of uv's cache; the files of the others are shared with it and cost nothing. */
export async function forgetPackages(cached: CachedPackages): Promise<void> {
  const { names, folder, uv, environment, log } = cached;
  const end = await runProgram({
    command: uv.command,
    arguments: ['cache', 'clean', '--no-config', '--quiet', ...names],
    environment: { ...environment, UV_CACHE_DIR: cacheFolderOf(folder) },
    timeoutMs: limitMs,
    maxOutputBytes: 65_536,
  });
  if (end.outcome !== 'done')
    log.warn({ outcome: end.outcome, said: end.errorTail }, 'the cache of packages was not cleaned');
}
