import type { Invocation } from '../invocation.ts';
import { readImportFile } from '../import/read-file.ts';
import { readCsv } from '../import/read-csv.ts';
import { type ImportFlags, sendItems } from '../import/send-items.ts';

/** Lists the endpoints of a table. */
export async function importCsv(invocation: Invocation, path: string, flags: ImportFlags): Promise<number> {
  const text = readImportFile(invocation.surroundings.workingDirectory, path);
  const items = readCsv(path, text, flags);
  return await sendItems(invocation, 'csv', { items }, flags);
}
