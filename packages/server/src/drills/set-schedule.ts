import {
  type DrillKind,
  type DrillSchedule,
  MusterError,
  type Page,
  type PageQuery,
  type setDrillScheduleSchema,
} from '@muster-ml/protocol';
import type { z } from 'zod';
import { type Caller, ledgerActor } from '../identity/index.ts';
import type { DrillParts } from './parts.ts';
import { firstAt, renderSchedule } from './schedule.ts';
import { refuseObserved } from './start-drill.ts';
import type { ScheduleStore } from './store.ts';

export type ScheduleParts = DrillParts & { readonly store: ScheduleStore };

/** Schedules of an endpoint, by kind; the cursor is the last kind. Throws `endpoint_not_found`. */
export async function listSchedules(
  { deployments, store, identity }: ScheduleParts,
  caller: Caller,
  name: string,
  query: PageQuery,
): Promise<Page<DrillSchedule>> {
  const { id } = await deployments.servedEndpoint(caller, 'readiness.read', name);
  const found = await store.page(id, query.after, query.limit + 1);
  const shown = found.slice(0, query.limit);
  const names = await identity.namesOf(shown.map(({ setBy }) => setBy));
  const items = shown.map((schedule) => renderSchedule(schedule, names.get(schedule.setBy) ?? schedule.setBy));
  const last = shown.at(-1);
  return found.length > query.limit && last !== undefined ? { items, next: last.kind } : { items };
}

/**
 * Has a drill done every so many days, in the name of the caller; the first within a day. One that is there is set anew.
 * Throws `endpoint_not_found`, `not_allowed`, `endpoint_observed`.
 */
export async function setSchedule(
  parts: ScheduleParts,
  caller: Caller,
  name: string,
  kind: DrillKind,
  { everyDays, settings }: z.output<typeof setDrillScheduleSchema>,
): Promise<DrillSchedule> {
  const { deployments, database, ledger, store, clock } = parts;
  const { id, team } = await deployments.servedEndpoint(caller, 'drill.run', name);
  refuseObserved(await deployments.getEndpoint(caller, name, 'drill.run'));
  const now = clock.now();
  const schedule = {
    endpointId: id,
    endpoint: name,
    team,
    kind,
    everyDays,
    settings,
    nextAt: firstAt({ endpointId: id, kind }, now),
    lastAt: null,
    lastOutcome: null,
    setAt: now,
    setBy: caller.actor.id,
  };
  await database.inTransaction(async (tx) => {
    await store.save(tx, schedule);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'drill.run',
      subject: { kind: 'endpoint', id: name },
      team,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { endpoint: id, schedule: kind, everyDays },
    });
  });
  return renderSchedule(schedule, caller.actor.name);
}

/** Ends a schedule. Throws `endpoint_not_found`, `not_allowed`, `drill_schedule_not_found`. */
export async function endSchedule(parts: ScheduleParts, caller: Caller, name: string, kind: DrillKind): Promise<void> {
  const { deployments, database, ledger, store } = parts;
  const { id, team } = await deployments.servedEndpoint(caller, 'drill.run', name);
  await database.inTransaction(async (tx) => {
    if (!(await store.remove(tx, id, kind)))
      throw new MusterError('drill_schedule_not_found', `no ${kind} drill of ${name} is done by itself`);
    await ledger.append(tx, {
      actor: ledgerActor(caller),
      action: 'drill.run',
      subject: { kind: 'endpoint', id: name },
      team,
      outcome: 'allowed',
      request: caller.requestId,
      ctx: { endpoint: id, schedule: kind, everyDays: null },
    });
  });
}
