import { existsSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';

/** The folder of a backup: a path, or the name of one that the server made on this machine. Throws `backup_not_found`. */
export async function findBackup(invocation: Invocation, text: string): Promise<string> {
  const path = resolve(invocation.surroundings.workingDirectory, text);
  if (existsSync(path) || text.includes(sep)) return path;
  const client = await invocation.client();
  const backups = await allPages((query) => client.call('backupList', { query }));
  const found = backups.find(({ name }) => name === text);
  if (found === undefined) throw new MusterError('backup_not_found', `there is no folder and no backup ${text}`);
  if (existsSync(found.path)) return found.path;
  throw new MusterError('backup_not_found', `${found.path} is on the machine of the server`, {
    remedy: 'Run this there, or copy the folder of the backups here and name it.',
  });
}
