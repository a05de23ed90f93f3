import { MusterError } from '@muster-ml/protocol';
import { type Caller, ledgerActor, teamNotFound } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { useCaseFor } from '../usecases/index.ts';
import { type DeploymentParts, changeEndpoint, commitChange, inChange } from './change-endpoint.ts';
import { type Change, say } from './change.ts';
import { newEndpoint } from './deploy.ts';
import type { EndpointRecord } from './endpoint.ts';

/** What is said of an endpoint that something else serves, as far as all endpoints have it. */
export interface ObserveWish {
  readonly name: string;
  readonly team: string;
  readonly description: string;
  /** Id or name of an actor; undefined: whoever adds it, or whose it is already. */
  readonly owner: string | undefined;
  /** Name of a use case. */
  readonly useCase: string | undefined;
  readonly runbook: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ObserveOptions {
  /** One that is there already is brought up to date by what the wish says, instead of being refused. */
  readonly mayExist: boolean;
  /** Say what would happen, and change nothing. */
  readonly dryRun: boolean;
  /** Where the fields of the wish are in the input. */
  readonly place: string;
}

/** What only such endpoints have, planned in the transaction: what differs, and how it is written. */
export type PlanObserved = (
  tx: Tx,
  /** Id of the endpoint that is there already. */
  known: string | undefined,
) => Promise<{
  /** Fields that differ; ignored where it is new. */
  readonly changed: readonly string[];
  /** Facts for the ledger. */
  readonly ctx: Readonly<Record<string, unknown>>;
  /** Called once the endpoint's row exists. */
  readonly save: (endpointId: string) => Promise<void>;
}>;

export type ObserveResult = 'added' | 'updated' | 'unchanged';

/**
 * Lists an endpoint that something else serves. What changes nothing leaves no entry.
 *
 * Throws `not_allowed`, `team_not_found`, `endpoint_exists` (also where the name is another team's), `endpoint_served`,
 * `actor_not_found`, `usecase_not_found`, `usecase_unfit`.
 */
export async function observeEndpoint(
  parts: DeploymentParts,
  caller: Caller,
  wish: ObserveWish,
  options: ObserveOptions,
  plan: PlanObserved,
): Promise<ObserveResult> {
  const { name, team } = wish;
  const place = `${options.place}.team`;
  // Who may not add it learns nothing of the actors either.
  authorize(parts, caller, wish, await parts.store.teamOf(name), options);
  const owner =
    wish.owner === undefined ? undefined : await parts.identity.ownerId(wish.owner, `${options.place}.owner`);
  try {
    return await inChange(parts, { name }, async (tx, known, epoch) => {
      authorize(parts, caller, wish, known?.after.endpoint.team, options);
      if (known !== undefined) refuseOther(known.after.endpoint, wish, options);
      const change = known ?? newEndpoint(parts, caller, name, team, parts.clock.now());
      const fields = putFields(
        change,
        { ...wish, owner },
        await useCaseOf(parts, tx, caller, wish, options),
        known === undefined,
      );
      const planned = await plan(tx, known?.after.endpoint.id);
      const changed = [...fields, ...planned.changed];
      if (known !== undefined) {
        if (changed.length === 0) throw new Undone('unchanged');
        say(change, 'info', null, 'updated', `changed: ${changed.join(', ')}`);
      }
      await commitChange(parts, tx, epoch, change, {
        actor: ledgerActor(caller),
        action: 'endpoint.observe',
        request: caller.requestId,
        ctx: { ...planned.ctx, ...(known === undefined ? {} : { fields: changed }) },
      });
      await planned.save(change.after.endpoint.id);
      const result = known === undefined ? 'added' : 'updated';
      if (options.dryRun) throw new Undone(result);
      return { change, result };
    });
  } catch (error) {
    if (error instanceof Undone) return error.result;
    if (error instanceof MusterError && error.code === 'reference_violation')
      throw teamNotFound(team, { place, cause: error });
    throw error;
  }
}

/**
 * Changes what only such an endpoint has. What changes nothing leaves no entry. Throws `endpoint_not_found`, `not_allowed`, `endpoint_served`.
 */
export async function changeObservedEndpoint(
  parts: DeploymentParts,
  caller: Caller,
  name: string,
  plan: PlanObserved,
): Promise<void> {
  try {
    await changeEndpoint(parts, caller, 'endpoint.observe', name, async (change, tx) => {
      const { endpoint } = change.after;
      if (endpoint.kind !== 'observed') throw servedHere(name);
      const { changed, ctx, save } = await plan(tx, endpoint.id);
      if (changed.length === 0) throw new Undone('unchanged');
      say(change, 'info', null, 'updated', `changed: ${changed.join(', ')}`);
      await save(endpoint.id);
      return { result: undefined, ctx: { ...ctx, fields: changed } };
    });
  } catch (error) {
    if (!(error instanceof Undone)) throw error;
  }
}

/** Rolls the transaction back, since nothing of it is to stay. */
class Undone extends Error {
  readonly result: ObserveResult;

  constructor(result: ObserveResult) {
    super(`nothing was written: ${result}`);
    this.result = result;
  }
}

/** Names are unique in the installation: that one is taken is all that somebody learns who does not see whose it is. */
function authorize(
  { identity }: Pick<DeploymentParts, 'identity'>,
  caller: Caller,
  { name, team }: ObserveWish,
  known: string | undefined,
  { mayExist, place }: ObserveOptions,
): void {
  const isKnown = known !== undefined && mayExist;
  identity.authorize(caller, 'endpoint.observe', {
    kind: 'endpoint',
    id: name,
    team: isKnown ? known : team,
    missing: () => (isKnown ? nameTaken(name, place) : teamNotFound(team, { place: `${place}.team` })),
  });
}

function refuseOther(known: EndpointRecord, { name, team }: ObserveWish, { mayExist, place }: ObserveOptions): void {
  if (!mayExist) throw nameTaken(name, place);
  if (known.kind !== 'observed') throw servedHere(name);
  if (known.team !== team)
    throw new MusterError('endpoint_exists', `endpoint ${name} belongs to team ${known.team}`, {
      place: `${place}.team`,
      remedy: 'Name that team, or choose another name.',
    });
}

async function useCaseOf(
  parts: DeploymentParts,
  tx: Tx,
  caller: Caller,
  { team, useCase }: ObserveWish,
  { place }: ObserveOptions,
): Promise<{ readonly id: string; readonly name: string } | undefined> {
  return useCase === undefined ? undefined : await useCaseFor(parts, tx, caller, useCase, team, `${place}.useCase`);
}

/** Puts what the wish says into the endpoint; what it leaves out stays. Answers the fields that differ. */
function putFields(
  change: Change,
  wish: ObserveWish,
  useCase: { readonly id: string; readonly name: string } | undefined,
  isNew: boolean,
): readonly string[] {
  const before = change.after.endpoint;
  const after: EndpointRecord = {
    ...before,
    kind: 'observed',
    description: wish.description === '' ? before.description : wish.description,
    tags: Object.keys(wish.tags).length === 0 ? before.tags : wish.tags,
    owner: wish.owner ?? before.owner,
    useCaseId: useCase?.id ?? before.useCaseId,
    runbook: wish.runbook ?? before.runbook,
  };
  const changed = (['description', 'tags', 'owner', 'useCaseId', 'runbook'] as const).filter(
    (field) => sorted(before[field]) !== sorted(after[field]),
  );
  if (isNew) change.after = { ...change.after, endpoint: after };
  else if (changed.length > 0)
    change.after = { ...change.after, endpoint: { ...after, revision: before.revision + 1 } };
  return changed.map((field) => (field === 'useCaseId' ? 'useCase' : field));
}

/** Tags are the same in whatever order they stand. */
function sorted(value: EndpointRecord['tags'] | string | null): string {
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function nameTaken(name: string, place: string): MusterError {
  return new MusterError('endpoint_exists', `the name ${name} is taken`, {
    place: `${place}.name`,
    remedy: 'Choose another name.',
  });
}

function servedHere(name: string): MusterError {
  return new MusterError('endpoint_served', `Muster serves ${name} itself`);
}
