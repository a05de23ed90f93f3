import { z } from 'zod';
import { actions } from './actions.ts';
import { nearestName } from '../inference/rows/nearest-name.ts';
import { timeSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';

/** The number of an entry in the ledger, from 0 without gaps. */
export const entrySeqSchema = z.coerce
  .number()
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('The number of an entry, from 0');

export const auditOutcomeSchema = z.enum(['allowed', 'denied', 'failed']);

export type AuditOutcome = z.infer<typeof auditOutcomeSchema>;

/** An action of the list, or one that the system takes by itself; a name that is neither would find nothing, silently. */
const actionFilterSchema = z
  .string()
  .max(100)
  .superRefine((name, context) => {
    if ((actions as readonly string[]).includes(name) || /^system\.[a-z-]+$/.test(name)) return;
    const meant = nearestName(name, actions);
    const hint = meant === undefined ? '' : `; is \`${meant}\` meant?`;
    context.addIssue({ code: 'custom', message: `there is no action \`${name}\`${hint}` });
  })
  .describe('Such as `endpoint.deploy`');

/** Which entries are wanted, newest first; what is absent does not matter. */
export const auditQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  actor: z.string().min(1).max(200).optional().describe('Id or name of a person or a service account'),
  action: actionFilterSchema.optional(),
  subject: z
    .string()
    .max(600)
    .regex(/^[a-z][a-z-]*\/./su, 'is KIND/ID, such as `endpoint/fraud`')
    .optional()
    .describe('What it was done to, as KIND/ID, such as `endpoint/fraud`'),
  outcome: auditOutcomeSchema.optional(),
  from: timeSchema.optional().describe('The earliest time'),
  until: timeSchema.optional().describe('The time before which they were written'),
});

export type AuditQuery = z.infer<typeof auditQuerySchema>;

/** One entry as it is shown: the fields of its body, with the names of actors. */
export const auditEntrySchema = z.object({
  seq: z.number().int(),
  at: timeSchema,
  actor: z.object({
    kind: z.string(),
    id: z.string(),
    /** Id of the token that was used. */
    token: z.string().nullable(),
    /** Null where there is no such actor any more. */
    name: z.string().nullable(),
  }),
  action: z.string(),
  subject: z.object({ kind: z.string(), id: z.string(), name: z.string().nullable() }),
  team: z.string().nullable(),
  outcome: auditOutcomeSchema,
  /** Id of the request that it came by. */
  request: z.string(),
  /** SHA-256 of the object before and after. */
  before: z.string().nullable(),
  after: z.string().nullable(),
  ctx: z.record(z.string(), z.unknown()),
  /** Why the body cannot be read, where somebody changed it; then the other fields say nothing. */
  damage: z.string().nullable(),
  /** The bytes that are hashed: canonical JSON. Names are not in it. */
  body: z.string(),
});

export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** A signed note over the first `size` entries, and where it was published. */
export const checkpointSchema = z.object({
  size: z.number().int(),
  note: z.string(),
  at: timeSchema,
  published: z.array(z.object({ sink: z.string(), at: timeSchema, ok: z.boolean(), detail: z.string().nullable() })),
});

export type LedgerCheckpoint = z.infer<typeof checkpointSchema>;

/** That an entry is in the tree of a checkpoint (RFC 9162): all that is needed to check it offline. */
export const inclusionProofSchema = z.object({
  seq: z.number().int(),
  body: z.string(),
  /** Base64 of the sibling hashes from the leaf upwards. */
  path: z.array(z.string()),
  note: z.string(),
  /** Keys that sign, as `name+keyid+base64`, oldest first. */
  keys: z.array(z.string()),
});

export type EntryProof = z.infer<typeof inclusionProofSchema>;

/** Most notes of one verification, and the most that one of them takes. */
export const noteLimits = { notes: 100, bytesEach: 8192 } as const;

/** Signed notes that somebody kept elsewhere, for the ledger to be checked against. */
export const verifyLedgerSchema = z.strictObject({
  notes: z
    .array(
      z.strictObject({
        source: z.string().min(1).max(200).describe('Where it was kept, such as the name of its file'),
        note: z.string().min(1).max(noteLimits.bytesEach),
      }),
    )
    .max(noteLimits.notes)
    .default([]),
});

export type VerifyLedger = z.infer<typeof verifyLedgerSchema>;

/** What a verification found; the result of its operation. */
export const verificationReportSchema = z.object({
  outcome: z.enum(['ok', 'tampered', 'unanchored', 'unreadable']),
  size: z.number().int(),
  /** Entries that a checkpoint kept outside covers; what is above is not yet anchored. */
  anchored: z.number().int(),
  firstBad: z.number().int().nullable(),
  /** The most important first. */
  findings: z.array(z.string()),
  outside: z.array(z.object({ source: z.string(), size: z.number().int() })),
});

export type LedgerVerification = z.infer<typeof verificationReportSchema>;

/** Who signs: the origin of every note, and the keys as verifier lines, oldest first. */
export const ledgerKeysSchema = z.object({ origin: z.string(), keys: z.array(z.string()) });

export type LedgerKeys = z.infer<typeof ledgerKeysSchema>;

/** The first line of an export; the entries follow as `{"seq":n,"body":"…"}`, a line each. */
export const exportHeaderSchema = z.object({
  format: z.literal('muster-ledger-export/1'),
  ...ledgerKeysSchema.shape,
});

export type ExportHeader = z.infer<typeof exportHeaderSchema>;
