import { join } from 'node:path';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Surroundings } from '../surroundings.ts';

/** Folder of what may be lost without harm: uploads to resume, names for completion. */
export function stateFolder({ env, homeDirectory }: Pick<Surroundings, 'env' | 'homeDirectory'>): string {
  return join(env['XDG_STATE_HOME'] || join(homeDirectory, '.local', 'state'), 'muster');
}

/** The JSON of a state file; undefined where there is none that can be read. */
export function readState(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, name), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Writes a state file as a whole. A state that cannot be kept (a read-only home) only costs comfort, so it is silent. */
export function writeState(folder: string, name: string, content: unknown): void {
  const temporary = join(folder, `${name}.${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify(content), { mode: 0o600 });
    renameSync(temporary, join(folder, name));
  } catch {
    rmSync(temporary, { force: true });
  }
}
