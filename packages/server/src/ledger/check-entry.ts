import { isCanonical } from './canonical-json.ts';
import { leafOf } from './merkle-tree.ts';
import { wrongCopy, wrongJoinedCopy } from './search-copies.ts';
import type { EntryRow } from './tables.ts';
import { readUsualBody } from './usual-body.ts';

/** How far below its predecessor an entry's time may be: clocks of several controls are not quite the same. */
const backDatingMs = 5000;

/** An entry as it is checked: the row, with its search copies by themselves or joined, or what an export has of it. */
export type EntryToCheck = Pick<EntryRow, 'seq' | 'body'> & Partial<EntryRow> & { readonly copies?: string };

/** What verification needs of a body; anything may be missing in one that was tampered with. */
export interface BodyFacts {
  readonly v?: unknown;
  readonly seq?: unknown;
  readonly at?: unknown;
  readonly actor?: { readonly id?: unknown } | null;
  readonly action?: unknown;
  readonly subject?: { readonly kind?: unknown; readonly id?: unknown } | null;
  readonly team?: unknown;
  readonly outcome?: unknown;
  readonly ctx?: Readonly<Record<string, unknown>> | null;
}

export interface CheckedEntry {
  readonly leaf: Uint8Array;
  readonly body: BodyFacts;
  /** Milliseconds since the epoch; the predecessor's where the body has none. */
  readonly at: number;
  /** What is wrong with the entry by itself, as the end of a sentence; undefined where nothing is. */
  readonly problem: string | undefined;
}

/** Checks what an entry says of itself: its form, its number, its time and the copies beside its body. */
export function checkEntry(row: EntryToCheck, previousAt: number): CheckedEntry {
  const leaf = leafOf(row.body);
  const usual = readUsualBody(row.body);
  const body = usual ?? parse(row.body);
  const at = typeof body?.at === 'number' ? body.at : previousAt;
  const isChanged = row.leaf !== undefined && Buffer.compare(row.leaf, leaf) !== 0;
  const problem = isChanged
    ? 'is not what was hashed: it was changed'
    : body === undefined || (usual === undefined && !isCanonical(row.body, body))
      ? 'is not canonical JSON'
      : problemOf(row, body, previousAt);
  return { leaf, body: body ?? {}, at, problem };
}

function problemOf(row: EntryToCheck, body: BodyFacts, previousAt: number): string | undefined {
  if (body.v !== 1) return 'has a version that is not known';
  if (body.seq !== row.seq) return `says that it is entry ${String(body.seq)}`;
  if (typeof body.at !== 'number') return 'has no time';
  if (body.at < previousAt - backDatingMs) {
    return `is dated ${String(Math.round((previousAt - body.at) / 1000))} s before the entry above it`;
  }
  const copy = copyProblem(row, body);
  return copy === undefined ? undefined : `has another ${copy} in its search column`;
}

function copyProblem(row: EntryToCheck, body: BodyFacts): string | undefined {
  if (row.copies !== undefined) return wrongJoinedCopy(row.copies, body);
  return row.actor_id === undefined ? undefined : wrongCopy(row, body);
}

/** The object that a text is; undefined where it is none. */
function parse(text: string): BodyFacts | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
