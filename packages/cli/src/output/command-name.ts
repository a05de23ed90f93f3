import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Invocation } from '../invocation.ts';

/** How this program is called, so that a line that is shown can be copied: `muster`, or by npx where it is not on the path. */
export function commandName({ surroundings }: Pick<Invocation, 'surroundings'>): string {
  const folders = (surroundings.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '' && !folder.includes('node_modules'));
  return folders.some((folder) => isProgram(join(folder, 'muster'))) ? 'muster' : 'npx muster';
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
