import {
  MusterError,
  type Operation,
  type Signature,
  type StartScore,
  nearestName,
  quoteName,
} from '@muster-ml/protocol';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { digestOf } from '../ledger/index.ts';
import { isUploadedBy, noSuchObject } from '../platform/objects/index.ts';
import type { ScoringParts } from './parts.ts';
import type { ScoreRecord } from './score.ts';

/**
 * Notes that a table is to be scored by the version that has the traffic of the role now, and answers the operation, whose
 * result is `{score}`.
 *
 * Throws `endpoint_not_found`, `endpoint_not_ready` where nothing has that role, `version_quarantined`,
 * `isolation_too_weak`, `object_not_found` for a table that the caller did not upload, `unknown_output`.
 */
export async function startScore(
  parts: ScoringParts,
  caller: Caller,
  endpointName: string,
  wish: StartScore,
): Promise<{ readonly operation: Operation; readonly score: ScoreRecord }> {
  const { database, objects, operations, store, ledger, clock } = parts;
  const endpoint = await parts.deployments.servedEndpoint(caller, 'endpoint.score', endpointName);
  const deployment = endpoint.serving(wish.role);
  if (deployment === undefined)
    throw new MusterError('endpoint_not_ready', `nothing is ${wish.role} under ${endpointName}`, {
      place: 'body.role',
      remedy:
        wish.role === 'live' ? 'Deploy a version first.' : 'Deploy a canary first, or score with the live version.',
    });
  const { served, settings } = deployment;
  if (deployment.state === 'quarantined')
    throw new MusterError('version_quarantined', `${served.model}:${served.number} is quarantined`);
  if (served.runtime === 'python') await parts.refuseUncagedPython();
  checkOutputs(served.signature, wish.outputs);
  // Else a digest, which is no secret, would be as good as the table of another team.
  const maySee =
    parts.identity.seesEverything(caller) || (await isUploadedBy(database.reader, caller.actor.id, wish.digest));
  if (!maySee) throw noSuchObject(wish.digest);

  const author = ledgerActor(caller);
  const id = parts.newId();
  return await database.inTransaction(async (tx) => {
    const { sizeBytes } = await objects.hold(tx, wish.digest);
    const operation = await operations.create(tx, {
      kind: 'score',
      subject: `endpoint/${endpointName}`,
      team: endpoint.team,
      createdBy: caller.actor.id,
      input: { score: id },
      progress: 'waiting for its turn',
    });
    const score: ScoreRecord = {
      id,
      endpointId: endpoint.id,
      endpoint: endpoint.name,
      team: endpoint.team,
      operation: operation.id,
      state: 'running',
      served,
      settings,
      wish,
      inputBytes: sizeBytes,
      rowsDone: 0,
      rowsTotal: null,
      badRows: 0,
      result: null,
      errors: null,
      problem: null,
      createdAt: clock.now(),
      author,
      request: caller.requestId,
      finishedAt: null,
      expiresAt: null,
    };
    await store.insert(tx, score);
    await ledger.append(tx, {
      actor: author,
      action: 'endpoint.score',
      subject: { kind: 'endpoint', id: endpoint.name },
      team: endpoint.team,
      outcome: 'allowed',
      request: caller.requestId,
      after: digestOf(wish),
      ctx: {
        endpoint: endpoint.id,
        score: id,
        operation: operation.id,
        deployment: deployment.id,
        model: served.model,
        version: served.number,
        digest: served.digest,
        input: wish.digest,
      },
    });
    return { operation, score };
  });
}

function checkOutputs({ outputs }: Signature, wanted: readonly string[] | undefined): void {
  const names = outputs.map(({ name }) => name);
  const stranger = wanted?.find((name) => !names.includes(name));
  if (stranger === undefined) return;
  const near = nearestName(stranger, names);
  const hint = near === undefined ? `; it has ${names.map(quoteName).join(', ')}` : `; is ${quoteName(near)} meant?`;
  throw new MusterError('unknown_output', `the model has no output ${quoteName(stranger)}${hint}`, {
    place: 'body.outputs',
  });
}
