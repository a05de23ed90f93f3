import type { KeyObject } from 'node:crypto';
import { canonicalJson } from '../../src/ledger/canonical-json.ts';
import { leafOf } from '../../src/ledger/merkle-tree.ts';
import type { EntryRow } from '../../src/ledger/tables.ts';
import { type MemoryLedger, plainEntry, rowOf, treeOver } from './memory-ledger.ts';

export const attacks = ['edit', 'delete', 'insert', 'reorder', 'truncate', 'back-date', 'roll back'] as const;
export type Attack = (typeof attacks)[number];

interface Body {
  readonly seq: number;
  readonly at: number;
  readonly action: string;
  readonly request: string;
  readonly actor: { readonly id: string };
  readonly subject: { readonly kind: string; readonly id: string };
}

const bodyIn = (row: EntryRow): Body => JSON.parse(row.body) as Body;

/** A row with another body, and with the copies of it; the leaf stays what it was. */
function withBody(row: EntryRow, body: Body): EntryRow {
  return { ...row, seq: body.seq, at: body.at, body: canonicalJson(body) };
}

/** Changes rows from `at` on as somebody would who sets rows only. */
function plainly(attack: Attack, rows: readonly EntryRow[], at: number, random: (limit: number) => number): EntryRow[] {
  const [before, behind] = [rows.slice(0, at), rows.slice(at)];
  const [row, ...later] = behind;
  if (row === undefined) throw new RangeError(`there is no entry ${at}`);
  switch (attack) {
    case 'edit':
      return [...before, withBody(row, { ...bodyIn(row), request: `forged-${random(1000)}` }), ...later];
    case 'delete':
      return [...before, ...later];
    case 'insert': {
      const inserted = rowOf(at, row.at, plainEntry(100_000 + at, 1));
      return [...before, inserted, ...behind.map((moved) => ({ ...moved, seq: moved.seq + 1 }))];
    }
    case 'reorder': {
      const other = 1 + random(behind.length - 1);
      const swapped = [...behind];
      const partner = behind[other] ?? row;
      swapped[0] = { ...partner, seq: row.seq, at: row.at };
      swapped[other] = { ...row, seq: partner.seq, at: partner.at };
      return [...before, ...swapped];
    }
    case 'truncate':
    case 'roll back':
      return [...before];
    case 'back-date': {
      const previous = before.at(-1)?.at ?? row.at;
      return [...before, withBody(row, { ...bodyIn(row), at: previous - 5001 - random(1e6) }), ...later];
    }
  }
}

/** Numbers, times, leaves and copies that fit, as somebody would make them who rewrites all of it. */
function fitted(rows: readonly EntryRow[], from: number, isBackDated: boolean): EntryRow[] {
  return rows.map((row, seq) => {
    if (seq < from) return row;
    const body = bodyIn(row);
    const renumbered = withBody(row, { ...body, seq, at: isBackDated ? body.at : row.at });
    return {
      ...renumbered,
      actor_id: body.actor.id,
      action: body.action,
      subject_kind: body.subject.kind,
      subject_id: body.subject.id,
      leaf: leafOf(renumbered.body),
    };
  });
}

/**
 * A tampered ledger: the first entry that is not what it was is `at`. With `resign`, leaves, tree and the database's own
 * checkpoints are made to match, signed with the real key.
 */
export function tamper(
  ledger: MemoryLedger,
  attack: Attack,
  at: number,
  random: (limit: number) => number,
  resign?: { readonly key: KeyObject; readonly sizes: readonly number[] },
): MemoryLedger {
  let rows = plainly(attack, ledger.rows, at, random);
  if (resign === undefined) {
    if (attack !== 'roll back') return { ...ledger, rows };
    // The file as it was: everything in it is older, and fits.
    const notes = ledger.notes.filter((note) => Number(note.split('\n')[1]) <= at);
    return { ...ledger, rows, notes, tiles: treeOver(rows, []).tiles };
  }
  rows = fitted(rows, at, attack === 'back-date');
  // Rolled back, and other things happened since.
  if (attack === 'roll back') {
    const last = rows.at(-1)?.at ?? 0;
    for (let seq = at; seq < ledger.rows.length; seq++) rows.push(rowOf(seq, last + seq, plainEntry(seq, 2)));
  }
  const sizes = resign.sizes.filter((size) => size <= rows.length);
  return { ...ledger, rows, ...treeOver(rows, sizes, resign.key) };
}
