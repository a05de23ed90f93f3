import { type Action, MusterError } from '@muster-ml/protocol';
import { type Caller, type Identity, ledgerActor } from '../identity/index.ts';
import { type Ledger, digestOf } from '../ledger/index.ts';
import type { NewNotification, Notify } from '../notifications/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { UseCaseStore } from './store.ts';
import { type UseCaseRecord, useCaseNotFound, useCaseResource } from './use-case.ts';

/** What the use cases of this room work with. */
export interface UseCaseParts {
  readonly database: Database;
  readonly store: UseCaseStore;
  readonly identity: Pick<Identity, 'authorize' | 'may' | 'scope' | 'namesOf'>;
  readonly ledger: Ledger;
  readonly notify: Notify;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** What becomes of a use case by a step. */
export interface Changed {
  readonly after: UseCaseRecord;
  /** Facts for the ledger: never what was written. */
  readonly ctx: Readonly<Record<string, unknown>>;
  readonly notification?: NewNotification | undefined;
}

/** One use case, if the caller may see it and do this with it. Throws `usecase_not_found`, `not_allowed`. */
export async function findUseCase(
  parts: Pick<UseCaseParts, 'database' | 'store' | 'identity'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<UseCaseRecord> {
  const useCase = await parts.store.find(parts.database.reader, name);
  if (useCase === undefined) throw useCaseNotFound(name);
  parts.identity.authorize(caller, action, useCaseResource(useCase));
  return useCase;
}

/**
 * The shape of every change of a use case: authorize, load, decide, save with its audit entry in one transaction, and tell
 * people. What is unchanged leaves no trace. Throws `usecase_not_found`, `not_allowed`, and what `decide` throws.
 */
export async function changeUseCase(
  parts: UseCaseParts,
  caller: Caller,
  action: Action,
  name: string,
  decide: (before: UseCaseRecord, now: number) => Changed,
): Promise<UseCaseRecord> {
  const { database, store, identity, ledger, clock } = parts;
  await findUseCase(parts, caller, action, name);
  return await database.inTransaction(async (tx) => {
    const before = await store.findForUpdate(tx, name);
    if (before === undefined) throw useCaseNotFound(name);
    identity.authorize(caller, action, useCaseResource(before));
    const { after, ctx, notification } = decide(before, clock.now());
    if (after === before) return before;
    await store.save(tx, after);
    if (notification !== undefined) await parts.notify(tx, notification);
    const entry = await ledger.append(tx, {
      actor: ledgerActor(caller),
      action,
      subject: { kind: 'usecase', id: name },
      team: after.team,
      outcome: 'allowed',
      request: caller.requestId,
      before: auditedDigest(before),
      after: auditedDigest(after),
      ctx: { useCase: after.id, ...ctx },
    });
    if (after.decided === before.decided || after.decided === null) return after;
    // After the ledger, whose number it is.
    await store.noteEntry(tx, after.id, entry);
    return { ...after, decided: { ...after.decided, entry } };
  });
}

/** Digest of everything that people said of a use case, for `before` and `after` of audit entries. */
export function auditedDigest(useCase: UseCaseRecord): string {
  const { metric, value, review, decided, proposed, ...same } = useCase;
  return digestOf({
    ...same,
    // The canonical form knows no fractions.
    metric: JSON.stringify(metric),
    value: JSON.stringify(value),
    review: review === null ? null : JSON.stringify(review.answers),
    decided: decided === null ? null : { as: decided.as, by: decided.by, reason: decided.reason },
    proposed: proposed.by,
  });
}

/** Throws `stale_revision` where `revision` is given and is not the present one. */
export function refuseStale({ name, revision }: UseCaseRecord, given: number | undefined): void {
  if (given === undefined || given === revision) return;
  throw new MusterError('stale_revision', `${name} has revision ${revision}, not ${given}`, { place: 'If-Match' });
}
