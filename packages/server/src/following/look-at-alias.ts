import { type FoundVersion, type MlflowServer, readModelUri } from '@muster-ml/client';
import {
  type Endpoint,
  type Lineage,
  MusterError,
  type Operation,
  fromProblem,
  servingSettingsSchema,
  toMusterError,
  toProblem,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { copyVersion } from './copy-version.ts';
import { type FollowRecord, isOf, liveOf, nextStep, retryMs } from './follow.ts';
import { connectServer } from './mlflow-servers.ts';
import type { FollowingParts } from './parts.ts';
import type { FollowProgress } from './store.ts';

/** Versions among which a copy that was made earlier is looked for. */
const recentVersions = 200;

/**
 * Looks once at what the alias names, and copies and deploys it where it moved. How it went is noted with the follow, and
 * is its answer; only an abort throws.
 */
export async function lookAtAlias(
  parts: FollowingParts,
  follow: FollowRecord,
  signal: AbortSignal,
): Promise<FollowProgress> {
  const { identity, clock } = parts;
  let named: string | undefined;
  const done = (progress: Partial<FollowProgress>): FollowProgress => ({
    version: follow.version,
    failedVersion: null,
    retryAt: null,
    problem: null,
    ...progress,
    checkedAt: clock.now(),
  });
  try {
    const actor = await identity.actorById(follow.setBy);
    const caller: Caller = { actor, requestId: `follow-${follow.endpoint}-${clock.now()}` };
    const endpoint = await endpointOf(parts, follow, caller);
    const agent = `muster/${parts.softwareVersion}`;
    const mlflow = await connectServer(parts.servers, follow.server, signal, agent);
    const uri = `models:/${encodeURIComponent(follow.sourceModel)}@${follow.alias}`;
    const found = await mlflow.find(readModelUri(uri));
    named = found.lineage.version;
    const live = await sourceOfLive(parts, caller, endpoint, found.lineage);
    if (nextStep(follow, named, live, clock.now()) === 'nothing') {
      if (named !== follow.failedVersion) return done({ version: named });
      // It failed a moment ago: what was noted stays.
      return { ...follow, checkedAt: clock.now() };
    }
    const version =
      (await knownCopy(parts, caller, follow, found.lineage)) ??
      (await copy(parts, caller, { ...follow, team: endpoint.team }, mlflow, found, signal));
    const settings = liveOf(endpoint)?.settings;
    const operation = await parts.deployments.deploy(caller, follow.endpoint, {
      model: follow.model,
      version,
      role: 'live',
      settings: settings ?? servingSettingsSchema.parse({}),
    });
    await ended(parts, operation, signal);
    return done({ version: named });
  } catch (thrown) {
    signal.throwIfAborted();
    const problem = toProblem(toMusterError(thrown));
    return done(
      named === undefined
        ? { problem, failedVersion: follow.failedVersion, retryAt: follow.retryAt }
        : { problem, failedVersion: named, retryAt: clock.now() + retryMs },
    );
  }
}

/** The endpoint, if whoever set the wish may deploy under it now: rights may have been given and taken since. */
async function endpointOf(
  { identity, deployments }: FollowingParts,
  follow: FollowRecord,
  caller: Caller,
): Promise<Endpoint> {
  const name = follow.endpoint;
  const team = await deployments.endpointTeam(name);
  if (team === undefined) throw gone(name);
  // Asked and not demanded: what is hidden from them is not gone, and nobody is refused anything at each look.
  if (!identity.may(caller, 'endpoint.deploy', { kind: 'endpoint', id: name, team }))
    throw new MusterError('not_allowed', `who made ${name} follow an alias may not deploy under it any more`, {
      remedy: 'Let somebody who may deploy there set it again.',
    });
  const endpoint = await deployments.getEndpoint(caller, name, 'endpoint.deploy');
  if (!isOf(follow, endpoint)) throw gone(name);
  return endpoint;
}

function gone(name: string): MusterError {
  return new MusterError('endpoint_not_found', `the endpoint ${name} that followed an alias is gone`);
}

/** Which version there the live version here is a copy of, if it is one of the same model. */
async function sourceOfLive(
  parts: FollowingParts,
  caller: Caller,
  endpoint: Endpoint,
  wanted: Lineage,
): Promise<string | undefined> {
  const live = liveOf(endpoint);
  if (live === undefined) return undefined;
  const { lineage } = await parts.registry.getVersion(caller, live.model, live.version);
  return lineage !== null && lineage.server === wanted.server && lineage.model === wanted.model
    ? lineage.version
    : undefined;
}

/** The version here that was copied from there before: an alias that goes back needs no second copy. */
async function knownCopy(
  parts: FollowingParts,
  caller: Caller,
  follow: FollowRecord,
  wanted: Lineage,
): Promise<number | undefined> {
  const query = { limit: recentVersions };
  const page = await parts.registry.listVersions(caller, follow.model, query).catch((error: unknown) => {
    if (error instanceof MusterError && error.code === 'model_not_found') return undefined;
    throw error;
  });
  return page?.items.find(
    ({ lineage }) =>
      lineage !== null &&
      lineage.server === wanted.server &&
      lineage.model === wanted.model &&
      lineage.version === wanted.version,
  )?.number;
}

async function copy(
  parts: FollowingParts,
  caller: Caller,
  follow: FollowRecord,
  mlflow: MlflowServer,
  found: FoundVersion,
  signal: AbortSignal,
): Promise<number> {
  const { registry } = parts;
  const wish = { name: follow.model, team: follow.team, description: '', tags: {} };
  await registry.createModel(caller, wish).catch((error: unknown) => {
    if (!(error instanceof MusterError && error.code === 'model_exists')) throw error;
  });
  const stored = await copyVersion(mlflow, found, parts.objects, parts.maxModelBytes);
  const { lineage } = found;
  const wished = {
    digest: stored.digest,
    lineage,
    description: `${lineage.model} ${lineage.version} of ${lineage.server}`,
    tags: {},
  };
  const operation = await registry.registerVersion(caller, follow.model, wished, 'fetched');
  const { version } = (await ended(parts, operation, signal)) as { readonly version: { readonly number: number } };
  return version.number;
}

/** The result of an operation when it has succeeded. Throws the problem with which it ended. */
async function ended(
  parts: FollowingParts,
  { id }: Operation,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  for await (const { state, result, problem } of parts.operations.watch(id, signal)) {
    if (state === 'succeeded') return result ?? {};
    if (problem !== null) throw fromProblem(problem);
    if (state === 'cancelled') throw new MusterError('operation_cancelled', `operation ${id} was cancelled`);
  }
  signal.throwIfAborted();
  throw new MusterError('operation_not_found', `operation ${id} is not watched any more`);
}
