import {
  type Facts,
  type Readiness,
  type Standing,
  type Version,
  MusterError,
  judge,
  verdictDocument,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { StandingRecord } from '../standing/index.ts';
import { authorizedEndpoint } from './evidence-parts.ts';
import { loadFacts } from './load-facts.ts';
import { reasonsOf } from './next-standing.ts';
import type { ReadinessParts } from './parts.ts';
import { evidenceDigestOf } from './subject.ts';

/**
 * Where an endpoint stands, check by check, judged now. Throws `endpoint_not_found`, and `deployment_not_found` where a
 * version is asked for that is not under it.
 */
export async function readEndpoint(
  parts: ReadinessParts,
  caller: Caller,
  name: string,
  version: number | undefined,
): Promise<Readiness> {
  const { database, environment, clock, standings } = parts;
  const endpoint = await authorizedEndpoint(parts, caller, 'readiness.read', name);
  const loaded = (await loadFacts(database.reader, [endpoint.id], { environment, now: clock.now(), version })).get(
    endpoint.id,
  );
  if (loaded === undefined || (version !== undefined && loaded.facts.version?.number !== version))
    throw new MusterError('deployment_not_found', `${name} does not serve version ${version}`);
  const record = (await standings.of([endpoint.id])).get(endpoint.id);
  const { facts, approved } = loaded;
  const judged = judge(facts);
  return {
    ...judgedDocument(facts),
    standing: standingOf(record, reasonsOf({ judged, approved }, record !== undefined)),
    submission: facts.review?.subjectDigest === facts.subjectDigest ? facts.review.submission : null,
  };
}

/** What of the hand-over contract a version meets before it is deployed. Throws what the registry says of one that is not there. */
export async function readVersion(
  parts: ReadinessParts,
  caller: Caller,
  model: string,
  number: number,
): Promise<Readiness> {
  const { registry, environment, clock } = parts;
  const version = await registry.getVersion(caller, model, number);
  const facts = factsOfVersion(version, environment, clock.now());
  return {
    ...judgedDocument(facts),
    team: (await registry.modelTeam(model)) ?? '',
    standing: standingOf(undefined, []),
    submission: null,
  };
}

function judgedDocument(facts: Facts): Omit<Readiness, 'standing' | 'submission'> {
  const judged = judge(facts);
  return {
    endpoint: facts.endpoint?.name ?? null,
    team: facts.endpoint?.team ?? '',
    model: facts.version?.model ?? null,
    version: facts.version?.number ?? null,
    riskTier: facts.useCase?.riskTier ?? null,
    verdict: verdictDocument(facts, judged),
    subjectDigest: facts.subjectDigest,
    evidenceDigest: evidenceDigestOf(judged),
  };
}

function standingOf(record: StandingRecord | undefined, reasons: readonly string[]): Standing {
  const timeOf = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
  return {
    state: record?.state ?? 'none',
    since: timeOf(record?.since ?? null),
    firstAt: timeOf(record?.firstAt ?? null),
    reasons: [...reasons],
  };
}

/** Before there is an endpoint, only the version itself is known. */
function factsOfVersion(version: Version, environment: string, now: number): Facts {
  return {
    now,
    environment,
    endpoint: null,
    owner: null,
    useCase: null,
    version: {
      model: version.model,
      number: version.number,
      digest: version.digest,
      facts: version.facts,
      hasSignature: version.signature.inputs.length > 0 && version.signature.outputs.length > 0,
      hasSample: version.sampleDigest !== null,
      createdAt: Date.parse(version.createdAt),
      createdBy: version.createdBy,
    },
    deployment: null,
    isFirstVersion: true,
    comparisons: [],
    access: [],
    evidence: [],
    waivers: [],
    review: null,
    subjectDigest: '',
  };
}
