import type { DatabaseFacts } from '@muster-ml/protocol';
import { damaged } from './manifest.ts';

/** Throws `backup_damaged`, naming `file`, where a database is not what the manifest says. */
export function compareWithManifest(expected: DatabaseFacts, found: DatabaseFacts, file: string): void {
  const difference = differenceOf(expected, found);
  if (difference !== undefined) throw damaged(file, difference);
}

/** The first way in which a database is not what the manifest says, as a sentence's end; undefined where it is. */
export function differenceOf(expected: DatabaseFacts, found: DatabaseFacts): string | undefined {
  const tables = new Set([...Object.keys(expected.tables), ...Object.keys(found.tables)]);
  for (const table of tables)
    if (expected.tables[table] !== found.tables[table])
      return `holds ${found.tables[table] ?? 'no'} rows of ${table} and not ${expected.tables[table] ?? 'any'}`;
  if (expected.migrations.join() !== found.migrations.join()) return 'has other migrations than its manifest says';
  const { size, root, broken } = found.ledger;
  if (size !== expected.ledger.size || root !== expected.ledger.root || broken !== expected.ledger.broken)
    return broken === null || broken === expected.ledger.broken
      ? 'has another ledger than its manifest says'
      : `has a broken ledger: its entry ${broken} is out of place or does not fit its hash`;
  const known = new Map(expected.objects.map(({ digest, sizeBytes }) => [digest, sizeBytes]));
  const stranger = found.objects.find(({ digest, sizeBytes }) => known.get(digest) !== sizeBytes);
  if (stranger !== undefined || found.objects.length !== known.size)
    return `refers to other content than its manifest says${stranger === undefined ? '' : `: ${stranger.digest}`}`;
  return undefined;
}
