import type { Database } from '../platform/database/index.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { EntryToCheck } from './check-entry.ts';
import type { NoteSource } from './claim.ts';
import type { VerificationReport, VerifyOptions } from './contract.ts';
import { isAmbiguous, joinedCopies, searchColumns } from './search-copies.ts';
import type { CheckpointSink } from './sink.ts';
import type { LedgerTables } from './tables.ts';
import type { TreeStore } from './tree-store.ts';
import { verifyCopy } from './verify-copy.ts';

const batchEntries = 512;
const notesInPage = 1000;

export interface VerifyParts {
  readonly database: Database;
  readonly store: CheckpointStore;
  readonly tree: TreeStore;
  readonly sinks: readonly CheckpointSink[];
  origin(): Promise<string>;
}

/** Verifies the ledger of the database against what the sinks have and what the caller brought. */
export async function verifyLedger(parts: VerifyParts, options: VerifyOptions): Promise<VerificationReport> {
  const { store, tree, sinks, database } = parts;
  // First the outside, then the entries: those that are added meanwhile only make the ledger longer.
  const sources: NoteSource[] = [];
  const unreadable: string[] = [];
  for (const sink of sinks) {
    const source = sink.isWeak ? `${sink.name} (weak: it lies beside the database)` : sink.name;
    try {
      if (sink.read !== undefined) sources.push({ source, isOutside: true, text: await sink.read() });
    } catch (error) {
      unreadable.push(`${source}: cannot be read (${codeOf(error)})`);
    }
  }
  for (const { source, note } of options.notes ?? []) sources.push({ source, isOutside: true, text: note });
  sources.push({ source: 'the database', isOutside: false, text: await ownNotes(store) });
  const treeSize = (await tree.growTo(0)).size;
  const keys = (await store.keys()).map(({ verifier }) => verifier);
  const copy = {
    origin: await parts.origin(),
    keys,
    entries: await store.size(),
    rows: (from: number) => rowsOf(database, from, treeSize),
    tile: cachedTile(tree),
  };
  return await verifyCopy(copy, sources, { ...options, unreadable });
}

async function ownNotes(store: CheckpointStore): Promise<string> {
  const notes: string[] = [];
  for (let below: number | undefined; ;) {
    const page = await store.list(notesInPage, below);
    notes.push(...page.map(({ note }) => note));
    below = page.at(-1)?.size;
    if (page.length < notesInPage) return notes.join('\n');
  }
}

/** Entries with their search copies; their leaves are compared with the tree as far as that goes. */
async function* rowsOf(database: Database, from: number, treeSize: number): AsyncGenerator<readonly EntryToCheck[]> {
  const reader = database.reader.withTables<LedgerTables>();
  for (let next = from; ;) {
    const query = reader
      .selectFrom('ledger_entry')
      .select(['seq', 'body'])
      .$if(next + batchEntries > treeSize, (some) => some.select('leaf'))
      .where('seq', '>=', next)
      .orderBy('seq')
      .limit(batchEntries);
    let batch: readonly EntryToCheck[] = await query.select(joinedCopies(database.kind).as('copies')).execute();
    if (batch.some(({ body }) => isAmbiguous(body))) batch = await query.select(searchColumns).execute();
    const last = batch.at(-1);
    if (last === undefined) return;
    yield batch;
    next = last.seq + 1;
  }
}

/** The last tile of each level is asked for again and again. */
function cachedTile(tree: TreeStore): TreeStore['tile'] {
  const last = new Map<number, { readonly index: number; readonly hashes: Uint8Array | undefined }>();
  return async (level, index) => {
    const known = last.get(level);
    if (known?.index === index) return known.hashes;
    const hashes = await tree.tile(level, index);
    last.set(level, { index, hashes });
    return hashes;
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
}
