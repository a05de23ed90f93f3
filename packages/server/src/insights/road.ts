import type { RoadStage } from '@muster-ml/protocol';

/**
 * What is known of an endpoint's way to production, in milliseconds since the epoch; null for what did not happen, or is
 * not known (any more).
 *
 * ```
 * proposed ─deciding─▶ accepted ─building─▶ version ─deploying─▶ deployed ─proving─▶ submitted ─approving─▶ in production
 * ```
 */
export interface Milestones {
  /** The use case was proposed, and accepted. */
  readonly proposedAt: number | null;
  readonly acceptedAt: number | null;
  /** The first version of the model that was live first: work on it had begun by then. */
  readonly firstVersionAt: number | null;
  /** The version that was live first was handed over. */
  readonly versionAt: number | null;
  /** It answered, and for the first time. */
  readonly deployedAt: number | null;
  /** Production was asked for, for the first time. */
  readonly submittedAt: number | null;
  /** It was in production, for the first time. */
  readonly inProductionAt: number | null;
}

/** How long an endpoint that came into production was on its way. Its stages add up to the whole. */
export interface Passage {
  readonly totalMs: number;
  /** Null where the end of a stage is not known: its time is that of the next. */
  readonly stagesMs: Readonly<Record<RoadStage, number | null>>;
}

/** Where an endpoint is that is not in production yet. */
export interface Wait {
  readonly stage: RoadStage;
  readonly since: number;
}

/** The first sign of work, or the moment itself where there is none. */
function begin(milestones: Milestones, end: number): number {
  const { proposedAt, firstVersionAt, versionAt, deployedAt, submittedAt } = milestones;
  return Math.min(end, ...[proposedAt, firstVersionAt, versionAt, deployedAt, submittedAt].flatMap((at) => at ?? []));
}

/**
 * The way of an endpoint, cut into its stages. Each moment belongs to one: from the proposal until it is accepted they
 * are `deciding`, whatever else was done meanwhile, unless production was asked for already; the rest goes by what was
 * reached. So a stage that was over before the one before it took no time. Pure.
 */
export function passageOf(milestones: Milestones, inProductionAt: number): Passage {
  const from = begin(milestones, inProductionAt);
  const reached = (at: number | null, before: number): number =>
    Math.min(Math.max(at ?? before, before), inProductionAt);
  const version = reached(milestones.versionAt, from);
  const deployed = reached(milestones.deployedAt, version);
  const submitted = reached(milestones.submittedAt, deployed);
  const decision = decisionOf(milestones, from, submitted);
  const undecided = (start: number, end: number): number =>
    end - start - (decision === null ? 0 : Math.max(0, Math.min(end, decision.end) - Math.max(start, decision.start)));
  const known = (at: number | null, ms: number): number | null => (at === null ? null : ms);
  return {
    totalMs: inProductionAt - from,
    stagesMs: {
      deciding: decision === null ? null : decision.end - decision.start,
      building: known(milestones.versionAt, undecided(from, version)),
      deploying: known(milestones.deployedAt, undecided(version, deployed)),
      proving: known(milestones.submittedAt, undecided(deployed, submitted)),
      approving: inProductionAt - submitted,
    },
  };
}

/** When it was being decided, within a time; null where that is not known. */
function decisionOf(
  { proposedAt, acceptedAt }: Milestones,
  from: number,
  until: number,
): { readonly start: number; readonly end: number } | null {
  if (proposedAt === null || acceptedAt === null) return null;
  const start = Math.min(Math.max(proposedAt, from), until);
  return { start, end: Math.min(Math.max(acceptedAt, start), until) };
}

/** What is open of an endpoint that is not in production. */
export interface Open {
  /** Its use case waits for a decision. */
  readonly isUndecided: boolean;
  /** Since when a submission waits; null where none does. */
  readonly submittedAt: number | null;
  /** When the last submission ended without success. */
  readonly refusedAt: number | null;
}

/**
 * What an endpoint waits for that is on its way: an approval that was asked for, else the decision about its use case,
 * else the next thing to do. Since the last thing that happened. Pure.
 */
export function waitOf(milestones: Milestones, open: Open, createdAt: number): Wait {
  const { proposedAt, acceptedAt, versionAt, deployedAt } = milestones;
  if (open.submittedAt !== null) return { stage: 'approving', since: open.submittedAt };
  if (open.isUndecided && proposedAt !== null) return { stage: 'deciding', since: proposedAt };
  const since = Math.max(...[acceptedAt, versionAt, deployedAt, open.refusedAt].flatMap((at) => at ?? []));
  const stage = deployedAt !== null ? 'proving' : versionAt !== null ? 'deploying' : 'building';
  return { stage, since: Number.isFinite(since) ? since : createdAt };
}
