import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { Channel } from './channel.ts';
import { type DeliveryTiming, Lane } from './lane.ts';
import type { NotificationStore } from './store.ts';

export interface DelivererParts {
  readonly database: Database;
  readonly store: NotificationStore;
  readonly channels: readonly Channel[];
  readonly clock: Clock;
  readonly timing: DeliveryTiming;
  /** Hears of deliveries that failed, and of what was not foreseen; nothing in it is a secret. */
  readonly onError: (error: unknown) => void;
}

/**
 * Brings what is noted to the channels, after its commit and at least once: all it remembers is in the database, so it goes
 * on after a restart. Each channel has a lane of its own, so that none waits for another.
 */
export class Deliverer {
  readonly #parts: DelivererParts;
  readonly #lanes: ReadonlyMap<string, Lane>;
  #isRunning = false;
  #look: Promise<void> | undefined;
  #cancelLook = (): void => {};
  /** Whether the next look comes soon; a stream of notes must not push it away. */
  #isSoon = false;

  constructor(parts: DelivererParts) {
    this.#parts = parts;
    this.#lanes = new Map(parts.channels.map((channel) => [channel.name, new Lane({ ...parts, channel })]));
  }

  /** Gives up what waits for channels that are not configured any more, and begins. */
  async start(): Promise<void> {
    const { database, store, onError } = this.#parts;
    const problem = 'its channel is not configured any more';
    const givenUp = await database.inTransaction(
      async (tx) => await store.giveUpOthers(tx, [...this.#lanes.keys()], problem),
    );
    if (givenUp > 0) onError(new Error(`${givenUp} notifications were given up: ${problem}`));
    this.#isRunning = true;
    this.#lookAfter(0);
  }

  /** Something was noted, and is committed soon. */
  wake(): void {
    if (!this.#isRunning || this.#isSoon) return;
    this.#isSoon = true;
    this.#lookAfter(this.#parts.timing.soonMs);
  }

  /** Takes nothing more, and waits for what is under way, which is ended where it takes long. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancelLook();
    await this.#look;
    await Promise.all([...this.#lanes.values()].map(async (lane) => await lane.stop()));
  }

  #lookAfter(delayMs: number): void {
    this.#cancelLook();
    this.#cancelLook = this.#parts.clock.after(delayMs, () => {
      this.#isSoon = false;
      this.#look ??= this.#wakeLanes().finally(() => {
        this.#look = undefined;
        // Also finds what was committed later than one thought, and what is due by now.
        if (this.#isRunning && !this.#isSoon) this.#lookAfter(this.#parts.timing.lookMs);
      });
    });
  }

  async #wakeLanes(): Promise<void> {
    const { database, store, clock, onError } = this.#parts;
    if (this.#lanes.size === 0) return;
    try {
      for (const channel of await store.dueChannels(database.reader, clock.now())) this.#lanes.get(channel)?.wake();
    } catch (error) {
      onError(error);
    }
  }
}
