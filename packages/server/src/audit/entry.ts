import { type AuditEntry, MusterError, auditOutcomeSchema } from '@muster-ml/protocol';
import { z } from 'zod';
import type { StoredEntry } from '../ledger/index.ts';

/**
 * An audit entry says who did what to which object, when, by which request, and how that ended. The ledger keeps its
 * body as the bytes that were hashed; everything shown beside `body` is read from them, never from the search copies.
 *
 * Bodies hold opaque ids: names are added for the reader. A row that somebody edited
 * may hold anything: it is shown as damaged, so that one bad row hides no good one. Only verification says what is true.
 */
const bodySchema = z.object({
  seq: z.int().min(0),
  at: z.int().min(0).max(8.64e15),
  actor: z.object({ kind: z.string(), id: z.string(), token: z.string().optional() }),
  action: z.string(),
  subject: z.object({ kind: z.string(), id: z.string() }),
  team: z.string().nullable(),
  outcome: auditOutcomeSchema,
  request: z.string(),
  before: z.string().optional(),
  after: z.string().optional(),
  ctx: z.record(z.string(), z.unknown()),
});

type Body = z.infer<typeof bodySchema>;

/** An entry whose body was read, or what is wrong with it. */
export type ReadEntry =
  | { readonly seq: number; readonly text: string; readonly body: Body }
  | { readonly seq: number; readonly text: string; readonly damage: string };

/** Reads a body as far as it can be read. */
export function readEntry({ seq, body: text }: StoredEntry): ReadEntry {
  const parsed = bodySchema.safeParse(parsedJson(text));
  if (!parsed.success) return { seq, text, damage: 'the body is not one that the ledger writes' };
  if (parsed.data.seq !== seq) return { seq, text, damage: `the body is that of entry ${parsed.data.seq}` };
  return { seq, text, body: parsed.data };
}

/** Ids of the actors that an entry names: who did it, and to whom. */
export function actorsIn(entry: ReadEntry): readonly string[] {
  if (!('body' in entry)) return [];
  const { actor, subject } = entry.body;
  return subject.kind === 'actor' ? [actor.id, subject.id] : [actor.id];
}

/** The entry as it is answered. Who may see an entry may know who it names. */
export function renderEntry(entry: ReadEntry, names: ReadonlyMap<string, string>): AuditEntry {
  const { seq, text } = entry;
  if (!('body' in entry)) return { ...damaged, seq, damage: entry.damage, body: text };
  const { at, actor, action, subject, team, outcome, request, before, after, ctx } = entry.body;
  return {
    seq,
    at: new Date(at).toISOString(),
    actor: { kind: actor.kind, id: actor.id, token: actor.token ?? null, name: names.get(actor.id) ?? null },
    action,
    subject: {
      kind: subject.kind,
      id: subject.id,
      name: subject.kind === 'actor' ? (names.get(subject.id) ?? null) : null,
    },
    team,
    outcome,
    request,
    before: before ?? null,
    after: after ?? null,
    ctx,
    damage: null,
    body: text,
  };
}

export function entryNotFound(seq: number): MusterError {
  return new MusterError('entry_not_found', `there is no entry ${seq}`);
}

/** What can be said of an entry whose body cannot be read: nothing. */
const damaged = {
  at: new Date(0).toISOString(),
  actor: { kind: 'unknown', id: '', token: null, name: null },
  action: 'unknown',
  subject: { kind: 'unknown', id: '', name: null },
  team: null,
  outcome: 'failed',
  request: '',
  before: null,
  after: null,
  ctx: {},
} as const satisfies Partial<AuditEntry>;

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
