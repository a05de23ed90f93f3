import { type Facts, dayMs } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { loadAccess } from './load-access.ts';
import { loadComparisons } from './load-comparisons.ts';
import { type Candidate, loadDeployments } from './load-deployments.ts';
import { loadEndpoints } from './load-endpoints.ts';
import { loadEvidence, loadWaivers } from './load-evidence.ts';
import { approvedOf, loadReviews, reviewOf } from './load-reviews.ts';
import { loadVersions, versionKey } from './load-versions.ts';
import { type Subject, servedDigestOfObserved, subjectOf } from './subject.ts';

/** Everything that is known of an endpoint for a verdict, and what an approval of it is bound to. */
export interface Loaded {
  readonly endpoint: { readonly id: string; readonly name: string; readonly team: string };
  readonly facts: Facts;
  readonly subject: Subject | null;
  /** The approved submission of exactly this subject. */
  readonly approved: string | null;
}

export interface LoadOptions {
  readonly environment: string;
  readonly now: number;
  /** The version to judge instead of what is live: a canary or a shadow. */
  readonly version?: number | undefined;
}

/** Endpoints whose facts are read at once: below the limits of both databases, and little memory. */
const chunk = 100;

/** How long ago use is looked for. */
const usedWithinMs = 90 * dayMs;

/**
 * What checks judge by, of endpoints by their ids. So many endpoints at once cost the same number of queries, so that the
 * time grows with their number. Those that are deleted are left out.
 */
export async function loadFacts(
  db: Kysely<unknown>,
  endpointIds: readonly string[],
  options: LoadOptions,
): Promise<ReadonlyMap<string, Loaded>> {
  const loaded = new Map<string, Loaded>();
  for (let at = 0; at < endpointIds.length; at += chunk)
    for (const [id, one] of await loadChunk(db, endpointIds.slice(at, at + chunk), options)) loaded.set(id, one);
  return loaded;
}

async function loadChunk(
  db: Kysely<unknown>,
  ids: readonly string[],
  { environment, now, version: wanted }: LoadOptions,
): Promise<ReadonlyMap<string, Loaded>> {
  const endpoints = await loadEndpoints(db, ids);
  const found = [...endpoints.keys()];
  if (found.length === 0) return new Map();
  const deployments = await loadDeployments(db, found, wanted);
  const versions = await loadVersions(
    db,
    [...deployments.values()].flatMap(({ judged }) => judged ?? []),
  );
  const evidence = await loadEvidence(db, found);
  const waivers = await loadWaivers(db, found, now);
  const reviews = await loadReviews(db, found);
  const comparisons = await loadComparisons(db, deployments);
  const access = await loadAccess(db, endpoints, now - usedWithinMs);

  const loaded = new Map<string, Loaded>();
  for (const [id, { endpoint, owner, useCase, observed }] of endpoints) {
    const { judged, isFirst } = deployments.get(id) ?? { judged: undefined, isFirst: true };
    const version = judged === undefined ? undefined : versions.get(versionKey(judged));
    const subject = subjectOf({
      served:
        judged !== undefined && version !== undefined
          ? { ...judged, digest: version.facts.digest }
          : observed === null
            ? null
            : servedDigestOfObserved(endpoint.name, observed),
      useCase,
      objective: endpoint.objective,
    });
    const { id: _id, ...endpointFacts } = endpoint;
    const ofEndpoint = reviews.get(id) ?? [];
    loaded.set(id, {
      endpoint: { id, name: endpoint.name, team: endpoint.team },
      subject,
      approved: approvedOf(ofEndpoint, subject?.subjectDigest),
      facts: {
        now,
        environment,
        endpoint: endpointFacts,
        owner,
        useCase,
        version: version?.facts ?? null,
        deployment: judged === undefined ? null : deploymentFacts(judged, version?.facts.hasSample === true),
        isFirstVersion: isFirst,
        comparisons: comparisons.get(id) ?? [],
        access: access.get(endpoint.name) ?? [],
        evidence: evidence.get(id) ?? [],
        waivers: waivers.get(id) ?? [],
        review: reviewOf(ofEndpoint, subject?.subjectDigest, version?.facts.createdBy ?? null),
        subjectDigest: subject?.subjectDigest ?? '',
      },
    });
  }
  return loaded;
}

/**
 * Replicas become ready only after they gave the answers of the sample. While one loads again and nothing is wrong, what it
 * proved before still counts: a restart is no reason to doubt. One that failed to load is, also where others answer.
 */
function deploymentFacts(judged: Candidate, hasSample: boolean): Facts['deployment'] {
  const { role, settings, state, problem, readyAt, attempts, replicas } = judged;
  const proven = replicas.flatMap(({ readyAt: at }) => at ?? []);
  const isWhole = state === 'ready' && proven.length >= settings.replicas;
  const provenAt = isWhole ? Math.min(...proven) : problem === null && attempts === 0 ? readyAt : null;
  return { role, settings, isReady: state === 'ready', sampleProvenAt: hasSample ? provenAt : null, problem };
}
