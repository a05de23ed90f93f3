import {
  type JudgedChecks,
  type Objective,
  type ServingSettings,
  type UseCaseFacts,
  rubricEdition,
} from '@muster-ml/protocol';
import { digestOf } from '../ledger/index.ts';
import { servedDigestOf } from '../standing/index.ts';

/** What an approval is bound to. */
export interface Subject {
  readonly model: string;
  /** 0 where something else serves it, whose versions have no numbers. */
  readonly version: number;
  readonly servedDigest: string;
  readonly subjectDigest: string;
}

interface Served {
  readonly model: string;
  readonly version: number;
  /** Of the version's file. */
  readonly digest: string;
  readonly settings: ServingSettings;
}

interface ServedElsewhere {
  readonly model: string;
  readonly servedDigest: string;
}

/** What an endpoint that something else serves is said to serve, as a subject. */
export function servedDigestOfObserved(
  endpoint: string,
  observed: { readonly platform: string; readonly model: string | null; readonly version: string | null },
): ServedElsewhere {
  return { model: observed.model ?? endpoint, servedDigest: digestOf({ endpoint, ...observed }) };
}

/** Null where nothing is served. */
export function subjectOf(of: {
  readonly served: Served | ServedElsewhere | null;
  readonly useCase: Pick<UseCaseFacts, 'name' | 'riskTier'> | null;
  readonly objective: Objective | null;
}): Subject | null {
  const { served, useCase, objective } = of;
  if (served === null) return null;
  const servedDigest = 'servedDigest' in served ? served.servedDigest : servedDigestOf(served);
  const subjectDigest = digestOf({
    served: servedDigest,
    useCase: useCase === null ? null : { name: useCase.name, riskTier: useCase.riskTier },
    // The canonical form knows no fractions.
    objective:
      objective === null
        ? null
        : Object.fromEntries(Object.entries(objective).map(([name, value]) => [name, String(value)])),
    edition: rubricEdition,
  });
  return { model: served.model, version: 'version' in served ? served.version : 0, servedDigest, subjectDigest };
}

/**
 * What the checks found, as an approver sees it, without the times: what holds by what. The review itself is left out,
 * which changes with each approval.
 */
export function evidenceDigestOf({ level, checks }: JudgedChecks): string {
  return digestOf({
    level,
    checks: checks
      .filter(({ check }) => check.id !== 'R19')
      .map(({ check, outcome, waiver, holds }) => ({
        id: check.id,
        state: outcome.state,
        evidence: outcome.evidence ?? null,
        waiver: waiver?.id ?? null,
        holds,
      })),
  });
}
