import type { Invocation } from '../invocation.ts';
import { manifestFiles, readImportFile } from '../import/read-file.ts';
import { readManifests } from '../import/read-manifests.ts';
import { type ImportFlags, sendItems } from '../import/send-items.ts';

/** Lists the endpoints of manifests of KServe and Seldon. */
export async function importManifests(
  invocation: Invocation,
  paths: readonly string[],
  flags: ImportFlags,
): Promise<number> {
  const { workingDirectory } = invocation.surroundings;
  const files = manifestFiles(workingDirectory, paths).map((path) => ({
    path,
    text: readImportFile(workingDirectory, path),
  }));
  return await sendItems(invocation, 'manifest', readManifests(files, flags), flags);
}
