import { flushCompileCache } from 'node:module';
import { MusterError, type Problem, toMusterError, toProblem } from '@muster-ml/protocol';
import { type Channel, channelToParent } from './channel.ts';
import { waitForLock } from './folder-lock.ts';
import { makePrivateFolder, makeRuntimeFolder } from './private-folder.ts';

/** What a role (control, gateway) is started with. */
export interface RoleContext<Settings> {
  readonly settings: Settings;
  /** To the supervisor; null where the role was started on its own. */
  readonly parent: Channel | null;
}

/** A role that answers. */
export interface StartedRole {
  /** What the supervisor and the log should know, such as the port that was taken. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Takes no new work, finishes what it has, releases everything. Called once. */
  drain(): Promise<void>;
}

/** Starts a role; resolves when it answers. Throws what keeps it from starting. */
export type StartRole<Settings> = (context: RoleContext<Settings>) => Promise<StartedRole>;

/** What the supervisor tells a child about its life. */
export type LifeOrder = { readonly kind: 'start'; readonly settings: unknown } | { readonly kind: 'drain' };

/** What a child answers. */
export type LifeReport =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ready'; readonly facts: Readonly<Record<string, unknown>> }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** Name of the topic of `LifeOrder` and `LifeReport`. */
export const lifeTopic = 'life';

/**
 * Runs a role under the supervisor: waits for its settings, reports, obeys, and ends when the supervisor is gone, however
 * that happened. Signals of the terminal are the supervisor's affair; a SIGTERM to this process alone drains it.
 */
export function runSupervised<Settings>(start: StartRole<Settings>): void {
  const parent = channelToParent();
  if (parent === null) throw new Error('--supervised is for processes that the supervisor starts');
  const life = parent.topic<LifeOrder, LifeReport>(lifeTopic);
  parent.onClose(() => process.exit(0));
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});

  let started: Promise<StartedRole> | undefined;
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void (started ?? Promise.resolve(undefined))
      .then((role) => role?.drain())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  };
  process.on('SIGTERM', end);
  life.on((order) => {
    if (order.kind === 'drain') return end();
    started ??= start({ settings: order.settings as Settings, parent });
    started.then(
      (role) => {
        life.send({ kind: 'ready', facts: role.facts });
        // Else only a process that ends by itself would leave it to the next.
        flushCompileCache();
      },
      (error: unknown) => {
        // An internal error keeps its stack, here and in the log only.
        const known = toMusterError(error);
        if (known.code === 'internal_error')
          process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
        life.send({ kind: 'failed', problem: toProblem(known) });
        setTimeout(() => process.exit(1), 100);
      },
    );
    return undefined;
  });
  life.send({ kind: 'waiting' });
}

/** Runs a role on its own: SIGTERM and SIGINT drain it, a second one ends it at once. */
export async function runAlone<Settings>(start: StartRole<Settings>, settings: Settings): Promise<StartedRole> {
  const role = await start({ settings, parent: null });
  endAtSignals(() => role.drain());
  return role;
}

/** How long a role waits for its predecessor to let go: one whose supervisor was killed needs a moment to end. */
const predecessorMs = 10_000;

/**
 * The role, started only while nobody else plays it on the same data directory. Where it was started on its own it makes
 * the folder of the sockets, which is the supervisor's work otherwise. Throws `data_dir_in_use`.
 */
export function exclusive<Settings extends { readonly dataDir: string; readonly runtimeDir: string }>(
  name: string,
  start: StartRole<Settings>,
): StartRole<Settings> {
  return async (context) => {
    const { dataDir } = context.settings;
    makePrivateFolder(dataDir);
    const lock = await waitForLock(dataDir, name, predecessorMs);
    if ('heldBy' in lock)
      throw new MusterError('data_dir_in_use', `process ${lock.heldBy} is ${name} on ${dataDir}`, {
        place: '--data-dir',
        details: { pid: lock.heldBy },
      });
    try {
      if (context.parent === null) makeRuntimeFolder(context.settings.runtimeDir);
      const role = await start(context);
      // The lock lives as long as somebody refers to it.
      return { facts: role.facts, drain: () => role.drain().finally(lock.release) };
    } catch (error) {
      lock.release();
      throw error;
    }
  };
}

/** Signals within this time are one: a terminal sends Ctrl-C to a launcher and to us, and the launcher passes it on. */
const sameSignalMs = 300;

/** Drains at the first SIGTERM, SIGINT or SIGHUP and exits; exits at once at the second. */
export function endAtSignals(
  drain: (signal: NodeJS.Signals) => Promise<void>,
  beforeAbrupt: () => void = () => {},
): void {
  let endingSince: number | undefined;
  const end = (signal: NodeJS.Signals): void => {
    if (endingSince !== undefined) {
      if (performance.now() - endingSince < sameSignalMs) return;
      beforeAbrupt();
      process.exit(130);
    }
    endingSince = performance.now();
    drain(signal).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, end);
}
