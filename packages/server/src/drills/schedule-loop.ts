import { type Operation, toMusterError } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import { tellFailed } from './run-drill.ts';
import { type ScheduleRecord, dayMs, nextAt } from './schedule.ts';
import type { ScheduleParts } from './set-schedule.ts';
import type { DrillWish } from './start-drill.ts';

/** Does the drills that are due, one at a time in the installation. */
export interface ScheduleLoop {
  /** Does the one that has been due longest, if there is one and none is being done; resolves when it is done. */
  look(): Promise<void>;
  start(): void;
  /** Begins no further one. */
  stop(): void;
}

export type Start = (caller: Caller, endpoint: string, wish: DrillWish) => Promise<Operation>;

export function createScheduleLoop(parts: ScheduleParts, start: Start): ScheduleLoop {
  const { clock, lookMs, onError } = parts;
  const stopping = new AbortController();
  let cancelTick = (): void => {};
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    looking ??= doOneThatIsDue(parts, start, stopping.signal).finally(() => {
      looking = undefined;
    });
    await looking;
  };
  const tick = (): void => {
    if (stopping.signal.aborted) return;
    look().catch(onError);
    cancelTick = clock.after(lookMs, tick);
  };
  return {
    look,
    start: tick,
    stop() {
      stopping.abort();
      cancelTick();
    },
  };
}

async function doOneThatIsDue(parts: ScheduleParts, start: Start, signal: AbortSignal): Promise<void> {
  const { clock, database, store } = parts;
  const schedule = await store.due(clock.now());
  if (schedule === undefined) return;
  const now = clock.now();
  // First, so that one that ends control is not begun again at each start.
  await database.inTransaction(
    async (tx) => await store.note(tx, schedule, { nextAt: nextAt(schedule, now), lastAt: now }),
  );
  const operation = await begin(parts, schedule, start);
  if (operation === undefined) return;
  let ended: Operation | undefined;
  for await (const seen of parts.operations.watch(operation.id, signal)) ended = seen;
  if (ended === undefined || ended.state === 'running') return;
  const lastOutcome = outcomeOf(ended);
  await database.inTransaction(
    async (tx) => await store.note(tx, schedule, { nextAt: nextAt(schedule, now), lastOutcome }),
  );
}

/** Starts it in the name of who set it. Where that cannot be, says why, tells people, and tries again the next day. */
async function begin(parts: ScheduleParts, schedule: ScheduleRecord, start: Start): Promise<Operation | undefined> {
  const { clock, database, identity, newId, store } = parts;
  const { kind, settings, setBy } = schedule;
  try {
    const caller = { actor: await identity.actorById(setBy), requestId: newId() };
    return await start(caller, schedule.endpoint, { kind, ...settings });
  } catch (thrown) {
    const error = toMusterError(thrown);
    await database.inTransaction(
      async (tx) =>
        await store.note(tx, schedule, { nextAt: clock.now() + dayMs, lastOutcome: `not done: ${error.message}` }),
    );
    const { endpointId: id, endpoint: name, team } = schedule;
    await tellFailed(parts, { endpoint: { id, name, team }, kind }, error);
    return undefined;
  }
}

function outcomeOf({ state, result, problem }: Operation): string {
  if (state === 'cancelled') return 'cancelled';
  if (state === 'failed') return `not done: ${problem?.detail ?? 'it failed'}`;
  const found = result as { readonly passed?: boolean; readonly summary?: string } | null;
  return `${found?.passed === true ? 'passed' : 'failed'}: ${found?.summary ?? ''}`;
}
