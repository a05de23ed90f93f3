import { accessSync, constants } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Surroundings } from '../surroundings.ts';
import { shellQuoted } from './shell-quoted.ts';

/**
 * How this program is called, so that a line that is shown can be copied: `muster` where it is on the path, by npx where it
 * is a dependency of the folder, else the launcher by its file. Never by npx alone, which would fetch a stranger of that name.
 */
export function commandName({ surroundings }: { readonly surroundings: Surroundings }): string {
  const { env, workingDirectory } = surroundings;
  // npx and npm run put node_modules/.bin on the path of what they start, but not on that of the shell.
  const folders = (env['PATH'] ?? '').split(delimiter).filter((one) => one !== '' && !one.includes('node_modules'));
  if (folders.some((folder) => isProgram(join(folder, 'muster')))) return 'muster';
  if (ancestors(workingDirectory).some((folder) => isProgram(join(folder, 'node_modules', '.bin', 'muster'))))
    return 'npx muster';
  const launcher = fileURLToPath(new URL('../../bin/muster.js', import.meta.url));
  const near = relative(workingDirectory, launcher);
  return `node ${shellQuoted(near.startsWith('..') ? launcher : near)}`;
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
