import type {
  ImportResult,
  Observe,
  Observed,
  Page,
  PageQuery,
  importObservedSchema,
  updateObservedSchema,
} from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { createObserved } from './create-observed.ts';
import { importObserved } from './import-observed.ts';
import type { Observation } from './observed.ts';
import type { ObservingParts } from './parts.ts';
import { Prober, type ProberParts } from './prober.ts';
import { pushObservation } from './push-observation.ts';
import { getObserved, listObserved } from './read-observed.ts';
import { observedStore } from './store.ts';
import { updateObserved } from './update-observed.ts';

/** Endpoints that something else serves. What each use case throws is said where it is written. */
export interface Observing {
  create(caller: Caller, wish: Observe): Promise<Observed>;
  get(caller: Caller, endpoint: string): Promise<Observed>;
  list(caller: Caller, query: PageQuery): Promise<Page<Observed>>;
  update(caller: Caller, endpoint: string, patch: z.output<typeof updateObservedSchema>): Promise<Observed>;
  import(caller: Caller, wish: z.output<typeof importObservedSchema>): Promise<ImportResult>;
  push(caller: Caller, endpoint: string, observation: Observation): Promise<Observed>;
  /** Begins to look at the probes. */
  start(): void;
  drain(): Promise<void>;
}

/** Puts the room together; nothing runs before `start`. `random` and `resolveHost` are for tests. */
export function createObserving(
  given: Omit<ObservingParts, 'store' | 'wake'> &
    Omit<ProberParts, 'store' | 'random'> & { readonly random?: () => number },
): Observing {
  const prober = new Prober({ ...given, store: observedStore, random: given.random ?? Math.random });
  let isStarted = false;
  const parts: ObservingParts = { ...given, store: observedStore, wake: () => isStarted && prober.wake() };
  return {
    create: async (caller, wish) => await createObserved(parts, caller, wish),
    get: async (caller, endpoint) => await getObserved(parts, caller, endpoint),
    list: async (caller, query) => await listObserved(parts, caller, query),
    update: async (caller, endpoint, patch) => await updateObserved(parts, caller, endpoint, patch),
    import: async (caller, wish) => await importObserved(parts, caller, wish),
    push: async (caller, endpoint, observation) => await pushObservation(parts, caller, endpoint, observation),
    start() {
      isStarted = true;
      prober.start();
    },
    drain: async () => await prober.stop(),
  };
}
