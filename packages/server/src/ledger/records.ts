import type { KeyObject } from 'node:crypto';
import { MusterError } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import { createCheckpointStore } from './checkpoint-store.ts';
import { makeCheckpoint, toPublish } from './checkpoints.ts';
import { Continuity } from './continuity.ts';
import type { Checkpoint, InclusionProof, LedgerRecords } from './contract.ts';
import type { Ledger } from './entry.ts';
import { KeyRing } from './key-ring.ts';
import { pathSteps, joined } from './merkle-tree.ts';
import { Publisher } from './publisher.ts';
import { readEntries } from './read-entries.ts';
import { readRestoreOrder, removeRestoreOrder } from './restore-order.ts';
import { parseNote } from './signed-note.ts';
import { createSigningKeyFiles } from './signing-key.ts';
import type { CheckpointSink } from './sink.ts';
import { takeUpRestore } from './take-up-restore.ts';
import { createTreeStore } from './tree-store.ts';
import { verifyLedger } from './verify-ledger.ts';

export interface RecordsParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Id of the installation, which names the ledger to the outside. */
  installationId(): Promise<string>;
  /** Folder of the signing key and of the orders of restores: `<dataDir>/ledger`. */
  readonly folder: string;
  readonly sinks: readonly CheckpointSink[];
  /** A ledger that has grown gets a checkpoint this often. */
  readonly checkpointMs: number;
  /** Of what goes wrong in the background; said once, not at each attempt. `error` where entries contradict what was signed. */
  readonly onError: (error: unknown, level: 'error' | 'warn') => void;
}

/** The ledger's records with their life: `start` once there is an installation, `stop` before the database is closed. */
export interface KeptLedgerRecords extends LedgerRecords {
  /** Enters a restore that the data directory orders; to be called before anything else is appended. */
  takeUpRestore(): Promise<void>;
  /** Makes the key where there is none, and from then on checkpoints as the ledger grows; all in the background. */
  start(): void;
  stop(): Promise<void>;
  /** Signs with a new key from now on. */
  rotateKey(): Promise<void>;
  /** What the entries contradict, as the last attempt to sign found it; undefined where all is well. */
  readonly contradiction: string | undefined;
}

const pollMs = 1000;
const entriesPerCheckpoint = 1000;
const pagesForAnchor = 100;

/** Reads, proves and checks what was appended, and gives checkpoints of it to the outside. */
export function createLedgerRecords(parts: RecordsParts): KeptLedgerRecords {
  const { database, ledger, clock, sinks, folder } = parts;
  const store = createCheckpointStore(database);
  const tree = createTreeStore(database);
  const continuity = new Continuity(store, tree);
  const origin = async (): Promise<string> => `muster/${await parts.installationId()}`;
  const files = createSigningKeyFiles(folder);
  const keyRing = new KeyRing({ database, ledger, store, files, clock, origin });
  const publishers = sinks.map(
    (sink) =>
      new Publisher({
        sink,
        clock,
        toPublish: async (made) => await toPublish(store, made),
        note: async (size, publication) => await store.notePublication(size, publication),
        onError: reportOnce(`${sink.name} did not take a checkpoint; it is tried again`),
      }),
  );
  const checkpointParts = {
    store,
    tree,
    continuity,
    now: () => clock.now(),
    origin,
    ordered: async () => (await readRestoreOrder(folder))?.id,
  };
  let contradiction: string | undefined;
  let isContinuityRead = false;
  let queue: Promise<unknown> = Promise.resolve();
  let cancelPoll = (): void => {};
  let polling: Promise<void> | undefined;
  let isStopped = false;
  let lastMadeAt = 0;

  /** One after the other: two at once would sign the same entries with two keys. */
  function inTurn<R>(work: () => Promise<R>): Promise<R> {
    const turn = queue.then(work, work);
    queue = turn.catch(() => {});
    return turn;
  }

  async function sign(key: KeyObject): Promise<Checkpoint | undefined> {
    try {
      const made = await makeCheckpoint(checkpointParts, key);
      contradiction = undefined;
      return made;
    } catch (error) {
      if (error instanceof MusterError && error.code === 'ledger_contradicted') contradiction = error.message;
      throw error;
    }
  }

  async function readContinuity(): Promise<void> {
    if (isContinuityRead) return;
    await continuity.readFrom(sinks, await origin(), reportOnce('a sink could not be read'));
    isContinuityRead = true;
  }

  async function publish(made: Checkpoint | undefined): Promise<void> {
    if (made === undefined) return;
    const missing = publishers.filter(
      ({ sink }) => !made.published.some((publication) => publication.ok && publication.sink === sink.name),
    );
    await Promise.all(missing.map((publisher) => publisher.publish(made)));
  }

  const signAndPublish = async (key: KeyObject): Promise<void> => await publish(await sign(key));

  async function checkpoint(): Promise<Checkpoint | undefined> {
    const made = await inTurn(async () => {
      await readContinuity();
      return await sign(await keyRing.ready(signAndPublish));
    });
    lastMadeAt = clock.now();
    await publish(made);
    const [newest] = await store.list(1);
    if (newest?.published.some(({ ok }) => ok) === true) await closeRestore(newest);
    return newest;
  }

  /** The order has done its work once the outside knows of the history that it began. */
  async function closeRestore(published: Checkpoint): Promise<void> {
    const order = await readRestoreOrder(folder);
    if (order !== undefined && parseNote(published.note)?.restored === order.id) await removeRestoreOrder(folder);
  }

  /** Looks whether a checkpoint is due: in time, or because there is much to cover. */
  async function poll(): Promise<void> {
    const size = await store.size();
    const covered = (await store.list(1))[0]?.size ?? 0;
    const isDue = clock.now() - lastMadeAt >= parts.checkpointMs;
    if (size < covered || size - covered >= entriesPerCheckpoint || (isDue && size > covered)) await checkpoint();
  }

  const onPollError = reportOnce('no checkpoint of the ledger was made');

  function keepPolling(): void {
    if (isStopped) return;
    cancelPoll = clock.after(Math.min(pollMs, parts.checkpointMs), () => {
      polling = poll().catch((error: unknown) => {
        // Not each second again.
        lastMadeAt = clock.now();
        onPollError(error);
      });
      void polling.then(keepPolling);
    });
  }

  /** Passes on an error where its text is another than the last one's. */
  function reportOnce(what: string): (error: unknown) => void {
    let last: string | undefined;
    return (error) => {
      const text = error instanceof Error ? error.message : String(error);
      const isContradicted = error instanceof MusterError && error.code === 'ledger_contradicted';
      if (text !== last)
        parts.onError(new Error(`${what}: ${text}`, { cause: error }), isContradicted ? 'error' : 'warn');
      last = text;
    };
  }

  return {
    ...readEntries(database),
    checkpoint,
    checkpoints: async (limit) => await store.list(limit),
    prove: async (seq) => await prove(seq),
    verify: async (options) => await verifyLedger({ database, store, tree, sinks, origin }, options),
    keys: async () => ({ origin: await origin(), keys: (await store.keys()).map(({ verifier }) => verifier) }),
    async anchorAgeMs() {
      const strong = sinks.filter(({ isWeak }) => !isWeak);
      const names = new Set((strong.length === 0 ? sinks : strong).map(({ name }) => name));
      const anchored = (await store.list(pagesForAnchor)).find(({ published }) =>
        published.some(({ ok, sink }) => ok && names.has(sink)),
      );
      const oldest = await store.timeOf(anchored?.size ?? 0);
      return oldest === undefined ? 0 : Math.max(0, clock.now() - oldest);
    },
    async takeUpRestore() {
      if ((await readRestoreOrder(folder)) === undefined) return;
      await readContinuity();
      await takeUpRestore({ database, ledger, store, tree, continuity, folder, origin });
    },
    start() {
      // Not waited for: a ledger from before there was a tree takes a moment, and so does a webhook.
      polling = checkpoint().then(() => {}, onPollError);
      void polling.then(keepPolling);
    },
    async stop() {
      isStopped = true;
      cancelPoll();
      await polling;
      await Promise.all(publishers.map((publisher) => publisher.stop()));
      await queue;
    },
    async rotateKey() {
      await inTurn(async () => {
        await readContinuity();
        await keyRing.rotate(signAndPublish);
      });
      await checkpoint();
    },
    get contradiction() {
      return contradiction;
    },
  };

  async function prove(seq: number): Promise<InclusionProof> {
    const body = await store.body(seq);
    if (body === undefined) throw new MusterError('entry_not_found', `the ledger has no entry ${seq}`);
    const [newest] = await store.list(1);
    if (newest === undefined || newest.size <= seq) {
      throw new MusterError('entry_not_anchored', `entry ${seq} is above the newest checkpoint`);
    }
    const path: string[] = [];
    for (const step of pathSteps(seq, newest.size)) {
      path.push(Buffer.from(joined(await tree.roots(step))).toString('base64'));
    }
    const keys = (await store.keys()).map(({ verifier }) => verifier);
    return { seq, body, path, note: newest.note, keys };
  }
}
