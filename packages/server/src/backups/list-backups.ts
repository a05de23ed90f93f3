import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Backup, Page, PageQuery } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { isBackupName, manifestName, renderBackup } from './backup.ts';
import { readManifest, sizeOf } from './manifest.ts';
import type { BackupParts } from './parts.ts';

/** The finished backups in the folder, newest first. One that is damaged is left out: verifying it says why. */
export async function listBackups(parts: BackupParts, caller: Caller, query: PageQuery): Promise<Page<Backup>> {
  parts.identity.authorize(caller, 'installation.backup', { kind: 'installation', id: 'backups' });
  const { limit, after } = query;
  const names = (await readdir(parts.folder).catch(() => []))
    .filter((name) => isBackupName(name) && (after === undefined || name < after))
    .toSorted()
    .toReversed();
  const items: Backup[] = [];
  for (const name of names) {
    const path = join(parts.folder, name);
    if ((await sizeOf(join(path, manifestName))) === undefined) continue;
    const manifest = await readManifest(path).catch(() => undefined);
    if (manifest === undefined) continue;
    if (items.length === limit) return { items, next: items.at(-1)?.name };
    items.push(renderBackup(manifest, path));
  }
  return { items };
}
