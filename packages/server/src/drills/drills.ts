import type { DrillKind, DrillSchedule, Operation, Page, PageQuery, setDrillScheduleSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { startLoad } from './load/load-thread.ts';
import type { DrillParts, RunParts } from './parts.ts';
import { resumeDrills } from './resume-drills.ts';
import { runDrill } from './run-drill.ts';
import { createScheduleLoop } from './schedule-loop.ts';
import { type ScheduleParts, endSchedule, listSchedules, setSchedule } from './set-schedule.ts';
import { type DrillWish, startDrill } from './start-drill.ts';
import { createScheduleStore } from './store.ts';

/** Evidence that is made by doing it. What each use case throws is said where it is written. */
export interface Drills {
  /** Answers the operation, whose result says what was found. */
  startDrill(caller: Caller, endpoint: string, wish: DrillWish): Promise<Operation>;
  listSchedules(caller: Caller, endpoint: string, query: PageQuery): Promise<Page<DrillSchedule>>;
  setSchedule(
    caller: Caller,
    endpoint: string,
    kind: DrillKind,
    wish: z.output<typeof setDrillScheduleSchema>,
  ): Promise<DrillSchedule>;
  endSchedule(caller: Caller, endpoint: string, kind: DrillKind): Promise<void>;
  /** Does the drill that has been due longest, now; resolves when it is done. */
  doDue(): Promise<void>;
  /** Puts back what interrupted drills left, and begins with those that are due; called once, before anything is judged. */
  start(): Promise<void>;
  /** Forgets what belongs to nothing any more. */
  sweep(): Promise<void>;
  /** From now on what stops is ended by the next start; call it before the operations are drained. */
  drain(): void;
}

export function createDrills(given: Omit<DrillParts, 'startLoad'> & Partial<Pick<DrillParts, 'startLoad'>>): Drills {
  let isDraining = false;
  const parts: RunParts & ScheduleParts = {
    startLoad,
    ...given,
    store: createScheduleStore(given.database),
    isDraining: () => isDraining,
  };

  const start = async (caller: Caller, endpoint: string, wish: DrillWish): Promise<Operation> => {
    const { operation, task } = await startDrill(parts, caller, endpoint, wish);
    parts.operations.run(operation.id, async (handle) => await runDrill(parts, handle, caller, task));
    return operation;
  };
  const loop = createScheduleLoop(parts, start);

  return {
    startDrill: start,
    listSchedules: async (caller, endpoint, query) => await listSchedules(parts, caller, endpoint, query),
    setSchedule: async (caller, endpoint, kind, wish) => await setSchedule(parts, caller, endpoint, kind, wish),
    endSchedule: async (caller, endpoint, kind) => await endSchedule(parts, caller, endpoint, kind),
    doDue: async () => await loop.look(),
    async start() {
      await resumeDrills(parts);
      loop.start();
    },
    async sweep() {
      await parts.database.inTransaction(async (tx) => await parts.store.removeOrphans(tx));
    },
    drain() {
      isDraining = true;
      loop.stop();
    },
  };
}
