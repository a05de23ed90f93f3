import { EventEmitter, on } from 'node:events';
import { MusterError, type Operation, type Problem, toMusterError, toProblem } from '@muster-ml/protocol';
import type { Clock, NewId } from '../clock/index.ts';
import type { Database, Tx } from '../database/index.ts';
import { type OperationRow, type OperationTables, fromRow } from './operation-row.ts';

export interface NewOperation {
  readonly kind: Operation['kind'];
  /** Such as `model/fraud`. */
  readonly subject: string;
  /** Team that may see it; null: it is the installation's. */
  readonly team: string | null;
  /** Id of the actor who asked for it. */
  readonly createdBy: string;
  /** What is needed to do it again after a restart; never a secret. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly progress?: string;
}

/** How work in progress speaks of itself. */
export interface OperationHandle {
  readonly id: string;
  /** Aborted when the operation is cancelled or the process drains. */
  readonly signal: AbortSignal;
  progress(text: string): void;
}

export type OperationEnd =
  | { readonly state: 'succeeded'; readonly result: Readonly<Record<string, unknown>> }
  | { readonly state: 'failed' | 'cancelled'; readonly problem: Problem };

/** An operation with the team that owns it. */
export interface OwnedOperation {
  readonly operation: Operation;
  readonly team: string | undefined;
}

/**
 * Work that takes longer than a request, kept in the database so that it can be read after a restart.
 * Either its process does the work (`run`), or a reconciler ends it when what was wished has come true (`finish`).
 */
export interface Operations {
  /** Notes an operation in the transaction of the use case that starts it. */
  create(tx: Tx, wish: NewOperation): Promise<Operation>;
  /** Does the work in the background and ends the operation with its result or error. */
  run(id: string, work: (handle: OperationHandle) => Promise<Readonly<Record<string, unknown>>>): void;
  /** Notes what it does now: told to watchers at once, not kept. */
  progress(id: string, text: string): void;
  /** Ends an operation that runs; one that has ended stays as it is. Call `announce` after the transaction. */
  finish(tx: Tx, id: string, end: OperationEnd): Promise<void>;
  /** Tells watchers that the operation changed in the database. */
  announce(id: string): void;
  /** Throws `operation_not_found`. */
  get(id: string): Promise<OwnedOperation>;
  /** The operation now and at each change, until it has ended or `signal` aborts. */
  watch(id: string, signal: AbortSignal): AsyncIterable<Operation>;
  /** Asks the work to stop; an operation that a reconciler ends is ended as cancelled by its room through `onCancel`. */
  cancel(id: string): Promise<Operation>;
  /** Operations of a kind that a crash or restart left running, with their input. */
  interrupted(
    kind: Operation['kind'],
  ): Promise<readonly (OwnedOperation & { readonly input: Readonly<Record<string, unknown>> })[]>;
  /** What a room does when an operation of this kind is cancelled and no work of this process holds it. */
  onCancel(kind: Operation['kind'], cancel: (id: string) => Promise<void>): void;
  /** Ends every watch, aborts the work of this process and waits for it. Aborted work stays `running` and is taken up at the next start. */
  drain(): Promise<void>;
}

export function createOperations(parts: {
  readonly database: Database;
  readonly clock: Clock;
  readonly newId: NewId;
}): Operations {
  const { database, clock, newId } = parts;
  const changes = new EventEmitter().setMaxListeners(0);
  const progressOf = new Map<string, string>();
  const working = new Map<string, { readonly abort: AbortController; readonly done: Promise<void> }>();
  const cancellers = new Map<string, (id: string) => Promise<void>>();
  const draining = new AbortController();

  async function row(id: string): Promise<OperationRow> {
    const found = await database.reader
      .withTables<OperationTables>()
      .selectFrom('operation')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (found === undefined) throw operationNotFound(id);
    return found;
  }

  async function finish(tx: Tx, id: string, end: OperationEnd): Promise<void> {
    await tx
      .withTables<OperationTables>()
      .updateTable('operation')
      .set({
        state: end.state,
        progress: progressOf.get(id) ?? '',
        result: end.state === 'succeeded' ? JSON.stringify(end.result) : null,
        problem: end.state === 'succeeded' ? null : JSON.stringify(end.problem),
        finished_at: clock.now(),
      })
      .where('id', '=', id)
      .where('state', '=', 'running')
      .execute();
  }

  function announce(id: string): void {
    changes.emit(id);
  }

  /** The database has it now, or somebody else ended it: what was only told is forgotten. */
  function forget(id: string): void {
    progressOf.delete(id);
    announce(id);
  }

  async function conclude(id: string, end: OperationEnd): Promise<void> {
    await database.inTransaction(async (tx) => await finish(tx, id, end));
    forget(id);
  }

  async function work(
    id: string,
    abort: AbortController,
    task: (handle: OperationHandle) => Promise<Readonly<Record<string, unknown>>>,
  ): Promise<void> {
    const handle: OperationHandle = { id, signal: abort.signal, progress: (text) => operations.progress(id, text) };
    try {
      const result = await task(handle);
      await conclude(id, { state: 'succeeded', result });
    } catch (thrown) {
      if (draining.signal.aborted) return;
      const cancelled = abort.signal.aborted;
      const error = cancelled
        ? new MusterError('operation_cancelled', `operation ${id} was cancelled`)
        : toMusterError(thrown);
      await conclude(id, { state: cancelled ? 'cancelled' : 'failed', problem: toProblem(error) });
    } finally {
      working.delete(id);
    }
  }

  const operations: Operations = {
    async create(tx, wish) {
      const created: OperationRow = {
        id: newId(),
        kind: wish.kind,
        subject: wish.subject,
        state: 'running',
        progress: wish.progress ?? '',
        result: null,
        problem: null,
        team: wish.team,
        owner: `control ${process.pid}`,
        created_by: wish.createdBy,
        created_at: clock.now(),
        finished_at: null,
        input: JSON.stringify(wish.input),
      };
      await tx.withTables<OperationTables>().insertInto('operation').values(created).execute();
      return fromRow(created);
    },

    run(id, task) {
      const abort = new AbortController();
      working.set(id, { abort, done: work(id, abort, task) });
    },

    progress(id, text) {
      if (progressOf.get(id) === text) return;
      progressOf.set(id, text);
      announce(id);
    },

    finish,
    announce: forget,

    async get(id) {
      const found = await row(id);
      return { operation: fromRow(found, progressOf.get(id)), team: found.team ?? undefined };
    },

    async *watch(id, leaving) {
      const signal = AbortSignal.any([leaving, draining.signal]);
      // Listening begins before the first read, so that no change falls between the two.
      const changed = on(changes, id, { signal });
      try {
        for (;;) {
          const { operation } = await operations.get(id);
          yield operation;
          if (operation.state !== 'running') return;
          await changed.next();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      } finally {
        await changed.return?.();
      }
    },

    async cancel(id) {
      const found = await row(id);
      if (found.state === 'running') {
        const held = working.get(id);
        if (held === undefined) await cancellers.get(found.kind)?.(id);
        else {
          held.abort.abort();
          await held.done;
        }
      }
      return fromRow(await row(id));
    },

    async interrupted(kind) {
      const rows = await database.reader
        .withTables<OperationTables>()
        .selectFrom('operation')
        .selectAll()
        .where('kind', '=', kind)
        .where('state', '=', 'running')
        .execute();
      return rows
        .filter((found) => !working.has(found.id))
        .map((found) => ({
          operation: fromRow(found),
          team: found.team ?? undefined,
          input: JSON.parse(found.input) as Record<string, unknown>,
        }));
    },

    onCancel(kind, cancel) {
      cancellers.set(kind, cancel);
    },

    async drain() {
      draining.abort();
      const held = [...working.values()];
      for (const { abort } of held) abort.abort();
      await Promise.allSettled(held.map(({ done }) => done));
    },
  };
  return operations;
}

/** There is no such operation, or not for who asks. */
export function operationNotFound(id: string): MusterError {
  return new MusterError('operation_not_found', `there is no operation ${id}`);
}
