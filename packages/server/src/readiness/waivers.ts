import { MusterError, type Page, type PageQuery, type Waiver, type requestWaiverSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { NewNotification } from '../notifications/index.ts';
import type { Tx } from '../platform/database/index.ts';
import {
  type AboutEndpoint,
  type EvidenceParts,
  authorizedEndpoint,
  checkOf,
  findEndpoint,
  resourceOf,
} from './evidence-parts.ts';
import {
  type WaiverRecord,
  type WaiverStep,
  decidedWaiver,
  endOf,
  refuseUnwaivable,
  renderWaiver,
  waiverDigest,
  waiverNotFound,
} from './waiver.ts';

export type WaiverWish = z.output<typeof requestWaiverSchema>;

/** Waivers of an endpoint, newest first; the cursor is the last id. Throws `endpoint_not_found`, `not_allowed`. */
export async function listWaivers(
  parts: EvidenceParts,
  caller: Caller,
  name: string,
  { after, limit }: PageQuery,
): Promise<Page<Waiver>> {
  const endpoint = await authorizedEndpoint(parts, caller, 'readiness.read', name);
  const found = await parts.waivers.page(parts.database.reader, endpoint.id, { before: after, limit: limit + 1 });
  const shown = found.slice(0, limit);
  const items = await render(parts, endpoint, shown);
  const last = found.length > limit ? shown.at(-1) : undefined;
  return last === undefined ? { items } : { items, next: last.id };
}

/**
 * Asks for an exception from a check, for a time; somebody else decides. Throws `endpoint_not_found`, `not_allowed`,
 * `invalid_request`, `waiver_not_allowed`, and `waiver_state` while another waits for the same check.
 */
export async function requestWaiver(
  parts: EvidenceParts,
  caller: Caller,
  name: string,
  wish: WaiverWish,
): Promise<Waiver> {
  const { database, waivers, clock, newId } = parts;
  await authorizedEndpoint(parts, caller, 'waiver.request', name);
  const check = checkOf(wish.check);
  const { endpoint, waiver } = await database.inTransaction(async (tx) => {
    // Held, so that of two who ask at the same time one finds what the other asked for.
    const about = await findEndpoint(tx, name, { hold: true });
    refuseUnwaivable(check, about);
    const now = clock.now();
    const until = endOf(wish.until, now);
    const waiting = await waivers.waiting(tx, about.id, check.id, now);
    if (waiting !== undefined)
      throw new MusterError('waiver_state', `a waiver of ${check.id} waits for a decision already: ${waiting}`, {
        remedy: `Have it decided or revoked first: muster waiver list ${name}`,
      });
    const asked: WaiverRecord = {
      id: newId(),
      endpointId: about.id,
      check: check.id,
      reason: wish.reason,
      until,
      state: 'requested',
      requested: { by: caller.actor.id, at: now },
      decided: null,
    };
    await waivers.add(tx, asked);
    await note(parts, tx, caller, about, undefined, asked, {
      event: 'waiver.requested',
      team: about.team,
      endpoint: name,
      title: `Waiver of ${check.id} asked for: ${name}`,
      text: `${caller.actor.name} asks to be excepted from ${check.id} (${check.title}) until ${dayOf(until)}. Somebody else decides:\nmuster waiver list ${name}\nmuster waiver approve ${name} ${asked.id} --reason TEXT`,
    });
    return { endpoint: about, waiver: asked };
  });
  return await renderOne(parts, endpoint, waiver);
}

/**
 * Approves, rejects or revokes a waiver. Throws `endpoint_not_found`, `waiver_not_found`, `not_allowed` also for who asked
 * for what is to be decided, `waiver_state`.
 */
export async function decideWaiver(
  parts: EvidenceParts,
  caller: Caller,
  name: string,
  id: string,
  { step, reason }: { readonly step: WaiverStep; readonly reason: string },
): Promise<Waiver> {
  const { database, waivers, identity, clock } = parts;
  const action = actions[step];
  await authorizedEndpoint(parts, caller, action, name);
  const { endpoint, waiver } = await database.inTransaction(async (tx) => {
    const about = await findEndpoint(tx, name);
    const before = await waivers.find(tx, about.id, id, { hold: true });
    if (before === undefined) throw waiverNotFound(name, id);
    identity.authorize(caller, action, { ...resourceOf(about), requesters: [before.requested.by] });
    const after = decidedWaiver(before, step, { by: caller.actor.id, at: clock.now(), reason });
    await waivers.decide(tx, after);
    await note(parts, tx, caller, about, before, after, {
      event: 'waiver.decided',
      team: about.team,
      endpoint: name,
      title: `Waiver of ${before.check} ${step}: ${name}`,
      text: `${caller.actor.name} ${step} it${step === 'approved' ? ` until ${dayOf(before.until)}` : ''}. The reason:\nmuster waiver list ${name} -o wide`,
    });
    return { endpoint: about, waiver: after };
  });
  parts.onChange();
  return await renderOne(parts, endpoint, waiver);
}

const actions = { approved: 'waiver.decide', rejected: 'waiver.decide', revoked: 'waiver.revoke' } as const;

/** Tells people, and writes the audit entry last. */
async function note(
  { notify, ledger }: EvidenceParts,
  tx: Tx,
  caller: Caller,
  endpoint: AboutEndpoint,
  before: WaiverRecord | undefined,
  after: WaiverRecord,
  notification: NewNotification,
): Promise<void> {
  await notify(tx, notification);
  await ledger.append(tx, {
    actor: ledgerActor(caller),
    action: after.state === 'requested' ? 'waiver.request' : actions[after.state],
    subject: { kind: 'endpoint', id: endpoint.name },
    team: endpoint.team,
    outcome: 'allowed',
    request: caller.requestId,
    ...(before === undefined ? {} : { before: waiverDigest(before) }),
    after: waiverDigest(after),
    ctx: {
      endpoint: endpoint.id,
      waiver: after.id,
      check: after.check,
      state: after.state,
      until: new Date(after.until).toISOString(),
    },
  });
}

async function render(
  { identity, clock }: EvidenceParts,
  endpoint: AboutEndpoint,
  waivers: readonly WaiverRecord[],
): Promise<readonly Waiver[]> {
  const actors = waivers.flatMap(({ requested, decided }) => [requested.by, ...(decided === null ? [] : [decided.by])]);
  const names = await identity.namesOf([...new Set(actors)]);
  const now = clock.now();
  return waivers.map((waiver) => renderWaiver(waiver, endpoint, { names, now }));
}

async function renderOne(parts: EvidenceParts, endpoint: AboutEndpoint, waiver: WaiverRecord): Promise<Waiver> {
  const [shown] = await render(parts, endpoint, [waiver]);
  if (shown === undefined) throw new MusterError('internal_error', 'the waiver was not rendered');
  return shown;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}
