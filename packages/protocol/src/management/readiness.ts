import { z } from 'zod';
import { someoneSchema } from './someone.ts';
import { modelNameSchema, slugSchema, timeSchema, versionNumberSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';
import { riskTierSchema } from './use-cases.ts';

/** From what may serve a team itself, over what production asks for, to what high risk asks for. Each holds the ones before. */
export const levels = ['bronze', 'silver', 'gold'] as const;

export const levelSchema = z.enum(levels);

export type Level = z.infer<typeof levelSchema>;

/** `R07`: stable ids of checks. */
export const checkIdSchema = z
  .string()
  .regex(/^R\d{2}$/, 'must look like R07')
  .describe('Id of a check, such as R07');

/** How long evidence counts: for a version, while it is true, or so many days. */
export const freshnessSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('version') }),
  z.object({ kind: z.literal('live') }),
  z.object({ kind: z.literal('days'), days: z.number().int().min(1) }),
]);

export const checkSchema = z.object({
  id: checkIdSchema,
  title: z.string(),
  why: z.string(),
  level: levelSchema,
  /** What shows that it holds, in words. */
  evidence: z.string(),
  /** By whom it is collected: by Muster itself, by a drill, or said by a person, who signs for it. */
  collected: z.enum(['platform', 'drill', 'person']),
  fresh: freshnessSchema,
  appliesTo: z.array(z.enum(['served', 'observed'])),
  waivable: z.boolean(),
  /** The command that gets what is missing, with names in capitals. */
  remedy: z.string(),
});

export type CheckDescription = z.infer<typeof checkSchema>;

export const rubricSchema = z.object({
  /** Changes with every change of a check. */
  edition: z.string(),
  checks: z.array(checkSchema),
  /** Level that is asked for in this environment, by risk tier. */
  required: z.record(riskTierSchema, levelSchema),
});

/**
 * `stale`: it held, but what shows it is too old. `unknown`: it cannot be found out here, such as before there is an
 * endpoint. `not-applicable` counts as holding.
 */
export const outcomeStates = ['passed', 'failed', 'missing', 'stale', 'unknown', 'not-applicable'] as const;

export type OutcomeState = (typeof outcomeStates)[number];

export const outcomeSchema = z.object({
  state: z.enum(outcomeStates),
  /** What was found, in a sentence. */
  summary: z.string(),
  /** When it was found out; null where there is nothing. */
  at: timeSchema.nullable(),
  /** When it goes stale; null where it does not by itself. */
  until: timeSchema.nullable(),
  /** Id of the evidence, where it is a record. */
  evidence: z.string().nullable(),
  /** The command that gets what is missing; null where nothing is. */
  remedy: z.string().nullable(),
});

export const waiverStates = ['requested', 'approved', 'rejected', 'revoked', 'expired'] as const;

export const waiverSchema = z.object({
  id: z.string(),
  endpoint: slugSchema,
  team: slugSchema,
  check: checkIdSchema,
  reason: z.string(),
  /** When it ends, at most 90 days after it was asked for. */
  until: timeSchema,
  state: z.enum(waiverStates),
  requested: z.object({ by: someoneSchema, at: timeSchema }),
  decided: z.object({ by: someoneSchema, at: timeSchema, reason: z.string() }).nullable(),
});

export type Waiver = z.infer<typeof waiverSchema>;

export const checkResultSchema = z.object({
  ...checkSchema.pick({ id: true, title: true, level: true }).shape,
  /** Whether the verdict asks for it here. */
  required: z.boolean(),
  outcome: outcomeSchema,
  /** The waiver that counts instead. */
  waiver: waiverSchema.pick({ id: true, reason: true, until: true }).nullable(),
  /** Whether it holds or is waived. */
  holds: z.boolean(),
});

export type CheckResult = z.infer<typeof checkResultSchema>;

export const verdictSchema = z.object({
  environment: z.string(),
  edition: z.string(),
  /** The level that is asked for. */
  level: levelSchema,
  /** The highest level of which every check holds; null below bronze. */
  reached: levelSchema.nullable(),
  /** Whether every required check holds or is waived. */
  holds: z.boolean(),
  checks: z.array(checkResultSchema),
  /** When the first of what holds now goes stale or ends; null where nothing does by itself. */
  until: timeSchema.nullable(),
  at: timeSchema,
});

export type Verdict = z.infer<typeof verdictSchema>;

/** `none`: it was never asked for; `waiting`: for an approval, or for checks; `lapsed`: it was in production, and its verdict no longer holds. */
export const standings = ['none', 'waiting', 'in production', 'lapsed'] as const;

export type StandingName = (typeof standings)[number];

export const standingSchema = z.object({
  state: z.enum(standings),
  since: timeSchema.nullable(),
  /** When it first was in production; null where it never was. */
  firstAt: timeSchema.nullable(),
  /** What keeps it from production, or took it away, in sentences. */
  reasons: z.array(z.string()),
});

export type Standing = z.infer<typeof standingSchema>;

/** How fit an endpoint, or a version under it, is, and where it stands. */
export const readinessSchema = z.object({
  endpoint: slugSchema.nullable(),
  team: slugSchema,
  model: z.string().nullable(),
  version: z.number().int().nullable(),
  riskTier: riskTierSchema.nullable(),
  standing: standingSchema,
  verdict: verdictSchema,
  /** What an approval of this is bound to: version, how it is served, use case, objective and rubric. */
  subjectDigest: z.string(),
  /** What the checks found, as an approver sees it. */
  evidenceDigest: z.string(),
  /** The submission that waits or counts. */
  submission: z.string().nullable(),
});

export type Readiness = z.infer<typeof readinessSchema>;

export const readinessQuerySchema = z.strictObject({
  version: versionNumberSchema
    .optional()
    .describe('A version under the endpoint, such as its canary; what is live by default'),
});

export const submitSchema = z.strictObject({
  version: versionNumberSchema
    .optional()
    .describe('The canary or shadow that is to become live; what is live by default'),
  note: z.string().max(4000).default(''),
});

export const submissionStates = ['waiting', 'approved', 'rejected', 'void'] as const;

export type SubmissionState = (typeof submissionStates)[number];

export const submissionSchema = z.object({
  id: z.string(),
  endpoint: slugSchema,
  team: slugSchema,
  model: modelNameSchema,
  version: z.number().int(),
  level: levelSchema,
  riskTier: riskTierSchema.nullable(),
  state: z.enum(submissionStates),
  /** Why it is void or was rejected. */
  why: z.string().nullable(),
  note: z.string(),
  subjectDigest: z.string(),
  evidenceDigest: z.string(),
  /** How many different people have to approve: none, one, or two at high risk. */
  approvalsNeeded: z.number().int(),
  approvals: z.array(z.object({ by: someoneSchema, at: timeSchema, reason: z.string(), entry: z.number().int() })),
  submitted: z.object({ by: someoneSchema, at: timeSchema }),
  endedAt: timeSchema.nullable(),
});

export type Submission = z.infer<typeof submissionSchema>;

export const submissionQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  endpoint: slugSchema.optional(),
  team: slugSchema.optional(),
  state: z.enum(submissionStates).optional(),
});

export type SubmissionQuery = z.infer<typeof submissionQuerySchema>;

const reason = z.string().min(10, 'say why in a sentence').max(4000);

/** Approval is bound to what was seen: name the digests that the submission showed. */
export const approveSchema = z.strictObject({
  reason,
  evidenceDigest: z.string().max(100).describe('evidenceDigest of the submission that was looked at'),
});

export const rejectSchema = z.strictObject({ reason });

/** The longest waiver. */
export const maxWaiverDays = 90;

export const requestWaiverSchema = z.strictObject({
  check: checkIdSchema,
  reason,
  until: timeSchema.describe('When it ends, at most 90 days from now'),
});

export const decideSchema = z.strictObject({ reason });

/** Short facts with units in their names, such as `p95Ms`. */
export const figuresSchema = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-zA-Z0-9]*$/, 'is camelCase')
      .max(60),
    z.union([z.number(), z.string().max(2000), z.boolean()]),
  )
  .refine((figures) => Object.keys(figures).length <= 40, 'may hold at most 40 figures');

export const evidenceSchema = z.object({
  id: z.string(),
  check: checkIdSchema,
  endpoint: slugSchema,
  model: z.string().nullable(),
  version: z.number().int().nullable(),
  /** Who found it out. */
  source: z.enum(['drill', 'person']),
  passed: z.boolean(),
  summary: z.string(),
  figures: figuresSchema,
  at: timeSchema,
  by: someoneSchema,
  /** Number of the entry of the ledger. */
  entry: z.number().int(),
});

export type Evidence = z.infer<typeof evidenceSchema>;

export const evidenceQuerySchema = z.strictObject({ ...pageQuerySchema.shape, check: checkIdSchema.optional() });

/** A person says that a check holds, or does not, and signs for it. Only for checks that people attest to. */
export const attestSchema = z.strictObject({
  check: checkIdSchema,
  passed: z.boolean().default(true),
  statement: z.string().min(10, 'say what you looked at, in a sentence').max(4000),
  figures: figuresSchema.default({}),
});

/** One change of standing. */
export const standingEventSchema = z.object({
  at: timeSchema,
  what: z.enum(['submitted', 'void', 'approved', 'rejected', 'granted', 'lapsed', 'restored']),
  reasons: z.array(z.string()),
  model: z.string().nullable(),
  version: z.number().int().nullable(),
  by: someoneSchema.nullable(),
  entry: z.number().int(),
});

export type StandingEvent = z.infer<typeof standingEventSchema>;
