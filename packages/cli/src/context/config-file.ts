import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Surroundings } from '../surroundings.ts';
import { UsageError } from '../usage-error.ts';

/** The user's configuration: the default server, and a token for each server. `muster up` writes it at its first start, too. */
export interface ConfigFile {
  readonly server?: string;
  readonly tokens?: Readonly<Record<string, string>>;
}

/** Where it lies: `config.json` in `$MUSTER_CONFIG_DIR`, else in `muster` of `$XDG_CONFIG_HOME`, else of `~/.config`. */
export function configFilePath({ env, homeDirectory }: Pick<Surroundings, 'env' | 'homeDirectory'>): string {
  const own = env['MUSTER_CONFIG_DIR'];
  if (own !== undefined && own !== '') return join(own, 'config.json');
  return join(env['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'muster', 'config.json');
}

/** Its content; empty where there is none. Throws `UsageError` for a file that is not what it should be. */
export function readConfigFile(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw error;
  }
  const content = parsed(text);
  if (isConfigFile(content)) return content;
  throw new UsageError(`${path} is not a configuration`, 'Remove the file and sign in again with muster login.', path);
}

/** Replaces the file as a whole, mode 0600: it holds tokens. */
export function writeConfigFile(path: string, content: ConfigFile): void {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function isConfigFile(content: unknown): content is ConfigFile {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return false;
  const { server, tokens } = content as Record<string, unknown>;
  if (server !== undefined && typeof server !== 'string') return false;
  if (tokens === undefined) return true;
  return (
    typeof tokens === 'object' && tokens !== null && Object.values(tokens).every((token) => typeof token === 'string')
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
