import { type Action, actions } from '@muster-ml/protocol';
import { type Ledger, type LedgerActor, digestOf } from '../ledger/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';
import type { AccessReport, Caller } from './actor.ts';
import type { IdentityTables } from './tables.ts';

/** Refusals of somebody known that are counted one by one; what is more until the next flush is one number. */
const maxKnown = 10_000;
/** The same for networks from which unknown tokens came: they displace nobody who is known. */
const maxSources = 1000;
const flushEveryMs = 60_000;
const minuteMs = 60_000;

/** Somebody known who was refused something, in one minute. */
interface Refusal {
  readonly actor: string;
  readonly token?: string | undefined;
  readonly action: string;
  /** `kind/id` */
  readonly object: string;
  /** When the minute began, milliseconds since the epoch. */
  readonly minute: number;
  readonly count: number;
}

type Guess = AccessReport['unknownTokens'][number];

/**
 * Counts refusals and writes them to the ledger: one entry for each actor, action, object and minute, and one for each
 * network that sent tokens which nobody has. Up to a minute of counts is lost with a process that is killed.
 */
export interface Denials {
  note(caller: Caller, action: Action, object: string): void;
  add(report: Pick<AccessReport, 'denials' | 'unknownTokens'>): void;
  start(onError: (error: unknown) => void): void;
  /** Writes what was counted; counts of a write that fails are kept. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createDenials(parts: {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
}): Denials {
  const { database, ledger, clock } = parts;
  const refusals = createCounts<Refusal>(maxKnown, ({ actor, action, object, minute }) =>
    [actor, action, object, minute].join('\n'),
  );
  const guesses = createCounts<Guess>(maxSources, ({ source, minute }) => `${source}\n${minute}`);
  let cancel = (): void => {};
  let flushing: Promise<void> = Promise.resolve();

  const write = async (): Promise<void> => {
    const [refused, guessed] = [refusals.take(), guesses.take()];
    if (refused.items.length === 0 && guessed.items.length === 0) return;
    try {
      const kinds = await kindsOf(database, [...new Set(refused.items.map(({ actor }) => actor))]);
      await database.inTransaction(async (tx) => {
        for (const one of refused.items) await appendRefusal(tx, ledger, one, kinds);
        for (const one of guessed.items)
          await appendSystem(tx, ledger, 'system.unknown-token', one.source, { count: one.count, minute: one.minute });
        if (refused.others + guessed.others > 0)
          await appendSystem(tx, ledger, 'system.more-denials', '*', { count: refused.others + guessed.others });
      });
    } catch (error) {
      refusals.giveBack(refused);
      guesses.giveBack(guessed);
      throw error;
    }
  };
  const flush = async (): Promise<void> => {
    // One after the other; the failure of one is not that of the next.
    flushing = flushing.catch(() => undefined).then(write);
    await flushing;
  };

  return {
    note({ actor }, action, object) {
      const minute = Math.floor(clock.now() / minuteMs) * minuteMs;
      refusals.add({ actor: actor.id, token: actor.token?.id, action, object, minute, count: 1 });
    },
    add(report) {
      for (const denial of report.denials) refusals.add({ ...denial, object: `endpoint/${denial.object}` });
      for (const guess of report.unknownTokens) guesses.add(guess);
    },
    start(onError) {
      const tick = (): void => {
        flush().catch(onError);
        cancel = clock.after(flushEveryMs, tick);
      };
      cancel = clock.after(flushEveryMs, tick);
    },
    flush,
    async stop() {
      cancel();
      await flush();
    },
  };
}

interface Counts<T> {
  readonly items: readonly T[];
  /** How many were not kept apart. */
  readonly others: number;
}

/** Bounded counts by key. */
function createCounts<T extends { readonly count: number }>(most: number, keyOf: (item: T) => string) {
  let items = new Map<string, T>();
  let others = 0;
  const add = (item: T): void => {
    const key = keyOf(item);
    const known = items.get(key);
    if (known === undefined && items.size >= most) others += item.count;
    else items.set(key, { ...item, count: item.count + (known?.count ?? 0) });
  };
  return {
    add,
    take(): Counts<T> {
      const taken = { items: [...items.values()], others };
      items = new Map();
      others = 0;
      return taken;
    },
    giveBack(counts: Counts<T>): void {
      for (const item of counts.items) add(item);
      others += counts.others;
    },
  };
}

async function appendRefusal(
  tx: Tx,
  ledger: Ledger,
  { actor, token, action, object, count, minute }: Refusal,
  kinds: ReadonlyMap<string, 'person' | 'service'>,
): Promise<void> {
  const who: LedgerActor = {
    kind: kinds.get(actor) ?? 'person',
    id: actor,
    ...(token === undefined ? {} : { token }),
  };
  await ledger.append(tx, {
    actor: who,
    action: isAction(action) ? action : 'system.unknown-action',
    subject: subjectOf(object),
    team: null,
    outcome: 'denied',
    request: 'folded',
    ctx: { count, minute },
  });
}

async function appendSystem(
  tx: Tx,
  ledger: Ledger,
  action: `system.${string}`,
  source: string,
  ctx: Readonly<Record<string, unknown>>,
): Promise<void> {
  await ledger.append(tx, {
    actor: { kind: 'system', id: 'nobody' },
    action,
    subject: { kind: 'source', id: source },
    team: null,
    outcome: 'denied',
    request: 'folded',
    ctx,
  });
}

function isAction(text: string): text is Action {
  return (actions as readonly string[]).includes(text);
}

/** An object may be named by whoever asked: what is longer than a name is kept as its digest. */
function subjectOf(object: string): { readonly kind: string; readonly id: string } {
  const slash = object.indexOf('/');
  const [kind, id] = slash < 0 ? [object, ''] : [object.slice(0, slash), object.slice(slash + 1)];
  return { kind, id: id.length <= 256 && id.isWellFormed() ? id : `sha256:${digestOf(id.toWellFormed())}` };
}

async function kindsOf(database: Database, ids: readonly string[]): Promise<ReadonlyMap<string, 'person' | 'service'>> {
  if (ids.length === 0) return new Map();
  const db = database.reader.withTables<IdentityTables>();
  const rows = await db.selectFrom('actor').select(['id', 'kind']).where('id', 'in', ids).execute();
  return new Map(rows.map((row) => [row.id, row.kind]));
}
