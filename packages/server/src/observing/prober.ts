import type { Notify } from '../notifications/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import { type Look, type LookParts, look } from './look.ts';
import { failuresAfter, tellAfterFailures } from './observed.ts';
import type { DueProbe, ObservedStore } from './store.ts';

export interface ProberParts extends LookParts {
  readonly database: Database;
  readonly store: ObservedStore;
  readonly notify: Notify;
  readonly clock: Clock;
  /** Between two looks at an address, in milliseconds. */
  readonly everyMs: number;
  /** Between 0 and 1. */
  readonly random: () => number;
  /** Hears of failures that are not those of an address. */
  readonly onError: (error: unknown) => void;
}

/** Looks at once, in all and at one host: a host that is slow keeps two, and the others the rest. */
const most = { all: 8, oneHost: 2 } as const;

/**
 * Looks at every probe, again and again. All it remembers is in the database, so it goes on anywhere after a restart. A
 * round begins on its time whether or not the one before is through; what still waits from that is not taken twice.
 */
export class Prober {
  readonly #parts: ProberParts;
  readonly #ending = new AbortController();
  /** By id of the endpoint. */
  readonly #waiting = new Map<string, DueProbe>();
  readonly #looking = new Map<string, { readonly host: string; readonly done: Promise<void> }>();
  #cancelRound = (): void => {};
  #round: Promise<void> | undefined;
  #isAsked = false;

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  start(): void {
    this.wake();
  }

  /** Looks at what is due now, such as a probe that was just set. */
  wake(): void {
    if (this.#ending.signal.aborted) return;
    this.#cancelRound();
    if (this.#round !== undefined) {
      this.#isAsked = true;
      return;
    }
    this.#round = this.#begin().finally(() => {
      this.#round = undefined;
      if (this.#isAsked) {
        this.#isAsked = false;
        this.wake();
      } else this.#wait();
    });
  }

  /** Ends the looks that are under way, without a result. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#cancelRound();
    this.#waiting.clear();
    await this.#round;
    await Promise.all([...this.#looking.values()].map(async ({ done }) => await done));
  }

  #wait(): void {
    if (this.#ending.signal.aborted) return;
    const { clock, everyMs, random } = this.#parts;
    // Not all installations at the same second, and not each host in step with what it does itself.
    this.#cancelRound = clock.after(everyMs * (0.9 + 0.2 * random()), () => this.wake());
  }

  async #begin(): Promise<void> {
    const { database, store, clock, everyMs, random, onError } = this.#parts;
    // What is looked at while the list is read may be noted before or after: the list may not know of it.
    const looking = new Set(this.#looking.keys());
    const waiting = new Set(this.#waiting.keys());
    const isTaken = (id: string): boolean =>
      looking.has(id) || this.#looking.has(id) || (waiting.has(id) && !this.#waiting.has(id));
    try {
      const due = await store.due(database.reader, clock.now() - everyMs / 2);
      if (this.#ending.signal.aborted) return;
      const shuffled = due.map((probe) => ({ probe, at: random() })).toSorted((one, other) => one.at - other.at);
      for (const { probe } of shuffled) if (!isTaken(probe.id)) this.#waiting.set(probe.id, probe);
    } catch (error) {
      onError(error);
    }
    this.#next();
  }

  /** Begins as many looks as may be under way. */
  #next(): void {
    for (const probe of this.#waiting.values()) {
      if (this.#looking.size >= most.all) return;
      const host = hostOf(probe.url);
      const atHost = [...this.#looking.values()].filter((other) => other.host === host).length;
      if (atHost >= most.oneHost) continue;
      this.#waiting.delete(probe.id);
      const done = this.#lookAt(probe).finally(() => {
        this.#looking.delete(probe.id);
        this.#next();
      });
      this.#looking.set(probe.id, { host, done });
    }
  }

  async #lookAt(probe: DueProbe): Promise<void> {
    const { signal } = this.#ending;
    try {
      const found = await look(probe.url, this.#parts, signal);
      await this.#note(probe, found);
    } catch (error) {
      if (!signal.aborted) this.#parts.onError(error);
    }
  }

  async #note(probe: DueProbe, found: Look): Promise<void> {
    const { database, store, notify, clock } = this.#parts;
    await database.inTransaction(async (tx) => {
      if (!(await store.note(tx, probe, found, clock.now()))) return;
      if (found.ok || failuresAfter(probe.failures, false) !== tellAfterFailures) return;
      const { name, team } = probe;
      await notify(tx, {
        event: 'probe.failed',
        team,
        endpoint: name,
        title: `${name} does not answer as it should`,
        text: `Two looks in a row failed: ${found.problem ?? 'it is not ok'}. Muster does not serve it: look where it runs, and at muster observed show ${name}.`,
      });
    });
  }
}

/** By the address, so that ports of one machine count together. */
function hostOf(url: string): string {
  return new URL(url).hostname;
}
