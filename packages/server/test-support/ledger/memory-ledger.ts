import { type KeyObject, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { bodyOf } from '../../src/ledger/append.ts';
import type { NoteSource } from '../../src/ledger/claim.ts';
import type { NewEntry } from '../../src/ledger/entry.ts';
import { formatKeptNote } from '../../src/ledger/kept-notes.ts';
import { Frontier, leafOf } from '../../src/ledger/merkle-tree.ts';
import { signCheckpoint, verifierLineOf } from '../../src/ledger/signed-note.ts';
import type { EntryRow } from '../../src/ledger/tables.ts';
import type { LedgerCopy } from '../../src/ledger/verify-copy.ts';

export const origin = 'muster/018f3a52-7c1e-7000-8000-0000000000aa';

export interface SigningPair {
  readonly privateKey: KeyObject;
  readonly line: string;
}

export function makePair(): SigningPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, line: verifierLineOf(origin, createPublicKey(privateKey)) };
}

/** A ledger in memory, as the database and the outside hold it; made whole, so that tests can change any part. */
export interface MemoryLedger {
  readonly rows: readonly EntryRow[];
  readonly keys: readonly string[];
  /** Tiles by `level/index`. */
  readonly tiles: ReadonlyMap<string, Uint8Array>;
  /** Notes of the database. */
  readonly notes: readonly string[];
}

export function rowOf(seq: number, at: number, entry: NewEntry): EntryRow {
  const body = bodyOf(seq, at, entry);
  return {
    seq,
    at,
    actor_id: entry.actor.id,
    action: entry.action,
    subject_kind: entry.subject.kind,
    subject_id: entry.subject.id,
    team_id: entry.team,
    body,
    leaf: leafOf(body),
    outcome: entry.outcome,
  };
}

export const keyEntry = (line: string): NewEntry => ({
  actor: { kind: 'system', id: 'ledger' },
  action: 'system.ledger-key',
  subject: { kind: 'ledger', id: origin },
  team: null,
  outcome: 'allowed',
  request: 'system',
  ctx: { key: line },
});

export const restoredEntry = (
  id: string,
  ctx: { readonly sizeBefore: number; readonly ended?: readonly string[] },
): NewEntry => ({
  actor: { kind: 'system', id: 'restore' },
  action: 'system.restored',
  subject: { kind: 'ledger', id: origin },
  team: null,
  outcome: 'allowed',
  request: 'system',
  ctx: { restored: id, ended: [], ...ctx },
});

export const plainEntry = (id: number, note = 0): NewEntry => ({
  actor: { kind: 'person', id: `actor-${id % 7}`, token: 'token' },
  action: 'alias.set',
  subject: { kind: 'model', id: `model-${id}` },
  team: 'default',
  outcome: id % 11 === 0 ? 'denied' : 'allowed',
  request: `request-${id}`,
  ctx: { number: id, note },
});

/** The tree over rows: tiles, and signed notes of some sizes, each at most the number of rows. */
export function treeOver(
  rows: readonly EntryRow[],
  sizes: readonly number[],
  key?: KeyObject,
  restored = '',
): Pick<MemoryLedger, 'tiles' | 'notes'> {
  const hashes = new Map<string, Uint8Array[]>();
  const frontier = new Frontier();
  const roots = new Map<number, Uint8Array>();
  for (const { leaf } of rows) {
    frontier.add(leaf, (level, index, hash) => {
      if (level % 8 !== 0) return;
      const name = `${level / 8}/${Math.floor(index / 256)}`;
      const list = hashes.get(name) ?? [];
      list.push(hash);
      hashes.set(name, list);
    });
    if (sizes.includes(frontier.size)) roots.set(frontier.size, frontier.root());
  }
  return {
    tiles: new Map([...hashes].map(([name, list]) => [name, Buffer.concat(list)])),
    notes: sizes.map((size) => {
      if (key === undefined) throw new TypeError('notes need a key');
      return signCheckpoint({ origin, size, root: roots.get(size) ?? new Uint8Array(32), restored }, key);
    }),
  };
}

/** What a folder outside holds after these notes, in turn. */
export function keptOutside(
  rows: readonly EntryRow[],
  sizes: readonly number[],
  key: KeyObject,
  restored = '',
): string {
  const leaves = rows.map(({ leaf }) => leaf);
  return treeOver(rows, sizes, key, restored)
    .notes.map((note, index) => {
      const from = sizes[index - 1] ?? 0;
      return formatKeptNote(note, from, leaves.slice(from, sizes[index]));
    })
    .join('');
}

/** As verification reads it. */
export function copyOf({ rows, keys, tiles }: MemoryLedger): LedgerCopy {
  return {
    origin,
    keys,
    entries: rows.length,
    async *rows(from) {
      yield rows.filter(({ seq }) => seq >= from);
    },
    tile: async (level, index) => tiles.get(`${level}/${index}`),
  };
}

/** The notes of the database, and what is kept outside. */
export function sourcesOf({ notes }: MemoryLedger, outside: string): readonly NoteSource[] {
  return [
    { source: 'the folder', isOutside: true, text: outside },
    { source: 'the database', isOutside: false, text: notes.join('\n') },
  ];
}
