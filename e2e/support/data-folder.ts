import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixtureToken } from './fixture-token.ts';
import { type Place, root } from './muster.ts';

const run = promisify(execFile);

/** Unpacks the data folder of an old release (e2e/fixtures/README.md) and signs its admin in, as that release left both. */
export async function unpackDataFolder(place: Place, name: string): Promise<void> {
  await mkdir(place.dataDir, { recursive: true, mode: 0o700 });
  await run('tar', ['-xzf', join(root, 'e2e/fixtures', `data-folder-${name}.tar.gz`), '-C', place.dataDir]);
  const server = `http://localhost:${place.port}`;
  const config = join(place.folder, 'config/muster');
  await mkdir(config, { recursive: true, mode: 0o700 });
  const login = { server, tokens: { [server]: fixtureToken() } };
  await writeFile(join(config, 'config.json'), JSON.stringify(login), { mode: 0o600 });
}
