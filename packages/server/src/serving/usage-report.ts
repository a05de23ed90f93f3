import { z } from 'zod';

/** Keys (endpoint, version, actor, hour) that a gateway keeps apart; calls under a further one are counted for `otherCallers`. */
export const maxUsageKeys = 20_000;

/** Most keys of one report: control adds as many in a tenth of a second, and does nothing else meanwhile. */
export const keysPerReport = 5000;

const id = z.string().min(1).max(200);
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const usageCountSchema = z.object({
  endpoint: id,
  /** The team that owned it when it was called: a name may go to another. */
  team: id,
  /** Model and version of the deployment that answered; both empty where a request ended before one was chosen. */
  model: z.string().max(1000),
  version: z.string().max(200),
  actor: id,
  /** When the hour (UTC) began, milliseconds since the epoch. */
  hour: count,
  /** Calls that were let in. */
  requests: count,
  /** Of those, the ones that failed by what was sent, or because their caller went away. */
  clientErrors: count,
  /** Of those, the ones that failed here. */
  serverErrors: count,
  /** Calls that the caller's own limits refused; they are not among the requests. */
  refused: count,
  /** Rows of the requests that were answered. */
  rows: count,
  /** Time inside the model; of a run that was shared, the part of these rows. */
  runMs: z.number().min(0),
  /** Milliseconds since the epoch. */
  lastAt: count,
});

const quotaUseSchema = z.object({
  endpoint: id,
  actor: id,
  /** When the day (UTC) began, milliseconds since the epoch. */
  day: count,
  requests: count,
});

/**
 * What a gateway counted since its last report that was kept. It is sent again, unchanged, until control answers that it
 * is kept; control adds each sequence number of a stream once. A gateway that starts begins a new stream.
 */
export const usageReportSchema = z.object({
  stream: id,
  sequence: z.number().int().min(1),
  counts: z.array(usageCountSchema).max(maxUsageKeys),
  /** Calls that count towards a daily quota; one with 0 asks how much of it is used. */
  quotas: z.array(quotaUseSchema).max(maxUsageKeys),
});

export type UsageCount = Readonly<z.infer<typeof usageCountSchema>>;
/** Calls of an actor within a day, as far as they count towards a quota. */
export type QuotaUse = Readonly<z.infer<typeof quotaUseSchema>>;

export interface UsageReport {
  readonly stream: string;
  readonly sequence: number;
  readonly counts: readonly UsageCount[];
  readonly quotas: readonly QuotaUse[];
}

/** Control's word that a report is kept. */
export const usageAnswerSchema = z.object({
  stream: id,
  sequence: z.number().int().min(1),
  /** What is used now, over all gateways, of the quotas that the report named. */
  used: z.array(quotaUseSchema).max(maxUsageKeys),
});

export type UsageAnswer = Readonly<z.infer<typeof usageAnswerSchema>>;

/** Who keeps usage on control's side. */
export interface UsageKeeper {
  /** Keeps a report, once however often it comes. Rejects where it could not be kept: then it comes again. */
  keep(report: UsageReport): Promise<UsageAnswer>;
  /** What is used today of every quota that was called. */
  usedToday(): readonly QuotaUse[];
}
