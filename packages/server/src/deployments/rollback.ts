import { MusterError, type Operation } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { isForcedBy, refuseQuarantined } from './admit-version.ts';
import { type DeploymentParts, changeEndpoint } from './change-endpoint.ts';
import { endFailed, named, put, say } from './change.ts';
import { startOperation } from './deploy.ts';
import { servingOf, startingOf } from './endpoint.ts';
import { clearUnfinished, startDeployment } from './roll-out.ts';
import { breakingDifferences } from './signature-compatibility.ts';
import { superseded } from './superseded.ts';

/**
 * Brings back what was live before. A roll-out that is not finished is given up, which is all there is to do then:
 * what it was to replace is still live. Otherwise the version and settings that the live one replaced are deployed
 * again; each further rollback goes one step further back.
 *
 * The caller's contract does not hold it up, because callers knew what comes back; an event lists what changes for
 * them. Throws `nothing_to_roll_back`, `isolation_too_weak` and, without force,
 * `version_quarantined`.
 */
export async function rollback(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  request: { readonly force?: string | undefined },
): Promise<Operation> {
  const isForced = isForcedBy(request.force, name);
  return await changeEndpoint(parts, caller, 'endpoint.rollback', name, async (change, tx, now) => {
    const live = servingOf(change.after, 'live');
    const unfinished = startingOf(change.after, 'live');
    if (live === undefined) throw new MusterError('nothing_to_roll_back', `${name} has nothing live yet`);
    if (unfinished !== undefined) {
      const operation = await startOperation(parts, tx, caller, change, `giving up ${named(unfinished)}`, {
        abandons: unfinished.id,
      });
      clearUnfinished(change, 'live', now);
      endFailed(change, live, superseded(live));
      put(change, { ...live, operationId: operation.id });
      return { result: operation, ctx: { abandons: unfinished.id, operation: operation.id } };
    }
    const previous = live.previousId === null ? undefined : await parts.store.deployment(live.previousId, tx);
    if (previous === undefined)
      throw new MusterError('nothing_to_roll_back', `nothing was live under ${name} before ${named(live)}`);
    await refuseQuarantined(parts.store, tx, previous.served, isForced);
    if (previous.served.runtime === 'python') await parts.refuseUncagedPython();
    // Whoever deployed it was allowed to use them; they may be gone since.
    await parts.secrets.hold(tx, previous.settings.secrets ?? {});
    const operation = await startOperation(parts, tx, caller, change, `bringing back ${named(previous)}`, {
      deployment: previous.id,
    });
    const { served, settings, previousId } = previous;
    const deployment = startDeployment(
      change,
      {
        id: parts.newId(),
        role: 'live',
        sharePercent: 100,
        served,
        settings,
        isForced,
        isRollback: true,
        previousId,
        operationId: operation.id,
        createdBy: caller.actor.id,
      },
      now,
    );
    const noticed = breakingDifferences(live.served.signature, served.signature);
    if (noticed.length > 0)
      say(
        change,
        'warn',
        deployment,
        'callers',
        `callers of ${named(live)} will notice: ${noticed
          .slice(0, 5)
          .map(({ part, name: of, change: what }) => `${part} ${of} ${what}`)
          .join('; ')}`,
      );
    return {
      result: operation,
      ctx: {
        deployment: deployment.id,
        brings: previous.id,
        model: served.model,
        version: served.number,
        operation: operation.id,
      },
    };
  });
}
