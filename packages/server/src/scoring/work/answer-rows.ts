import { setTimeout as wait } from 'node:timers/promises';
import { MusterError, type RowPlan, type Tensor, toMusterError } from '@muster-ml/protocol';
import type { RunnerResult } from '../../platform/link/index.ts';
import type { Fault, Values } from '../tables/table.ts';
import { encodeColumns } from './encode-columns.ts';

/** Rows of a block that were answered together. */
export interface Answered {
  /** Their indexes in the block. */
  readonly rows: Uint32Array;
  readonly outputs: readonly Tensor[];
}

/** What a block came to. */
export interface AnsweredBlock {
  /** In the order of the rows. */
  readonly answers: readonly Answered[];
  readonly bad: ReadonlyMap<number, Fault>;
  /** Time inside the model, and bytes of the inputs, of the rows that were run. */
  readonly runMs: number;
  readonly bytes: number;
  readonly ranRows: number;
}

export interface AnswerParts {
  readonly plan: RowPlan;
  readonly infer: (inputs: readonly Tensor[], outputs: readonly string[] | undefined) => Promise<RunnerResult>;
  readonly outputs: readonly string[] | undefined;
  /** Runs that a model may end its runner with before the whole is given up. */
  readonly mostCrashes?: number | undefined;
}

/** Rows of a model that takes one at a time which are on their way together. */
const singlesAtOnce = 16;
/** A row that ends its runner alone is tried once more: somebody else may have ended it. */
const triesAlone = 2;
const pauseMs = 100;

/**
 * Answers blocks of rows. What a run fails with is found out by halves, so that one bad row costs only itself; what ends
 * the runner is run again alone, then in pieces, until the row is found. Blocks may be answered side by side.
 */
export function createAnswerer(parts: AnswerParts): {
  answer(
    columns: readonly (Values | undefined)[],
    rows: number,
    faults: ReadonlyMap<number, Fault>,
  ): Promise<AnsweredBlock>;
} {
  const { plan, outputs } = parts;
  const mostCrashes = parts.mostCrashes ?? 200;
  let crashes = 0;
  let alone: Promise<unknown> = Promise.resolve();

  /** Runs work while nothing else is sent. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = alone.then(work);
    alone = turn.catch(() => {});
    return turn;
  };

  /** Waits until nobody needs the runner alone. */
  const quiet = async (): Promise<void> => {
    for (let seen: unknown; seen !== alone;) {
      seen = alone;
      await alone;
    }
  };

  async function run(inputs: readonly Tensor[]): Promise<RunnerResult> {
    for (;;) {
      try {
        return await parts.infer(inputs, outputs);
      } catch (error) {
        // It was restarted, or is being loaded again: nothing has been tried.
        if (!['replica_not_loaded', 'queue_full'].includes(toMusterError(error).code)) throw error;
        await wait(pauseMs);
      }
    }
  }

  return {
    async answer(columns, count, faults) {
      const bad = new Map(faults);
      const answers: Answered[] = [];
      let runMs = 0;
      let bytes = 0;
      let ranRows = 0;

      const readable = indexes(count, bad);
      const made = encodeColumns(plan, columns, readable, (row, column, reason) => {
        if (!bad.has(row)) bad.set(row, { column, reason });
      });
      const good = bad.size === count - readable.length ? readable : indexes(count, bad);
      const isAnswered = new Uint8Array(count);
      const leftOf = (rows: Uint32Array): Uint32Array => rows.filter((row) => isAnswered[row] === 0 && !bad.has(row));

      const send = async (rows: Uint32Array): Promise<void> => {
        // Those that were made to find out what is bad serve where nothing is.
        const inputs = rows === readable ? made : encodeColumns(plan, columns, rows, () => {});
        const result = await run(inputs);
        runMs += result.runMicros / 1000;
        ranRows += rows.length;
        for (const tensor of inputs) bytes += tensor.bytes.byteLength;
        for (const row of rows) isAnswered[row] = 1;
        answers.push({ rows, outputs: result.outputs });
      };

      /** Runs rows; what fails is halved. Throws `link_lost`, and what is no fault of the rows. */
      const narrow = async (rows: Uint32Array): Promise<void> => {
        try {
          await send(rows);
        } catch (thrown) {
          const error = toMusterError(thrown);
          if (!isAboutRows(error)) throw error;
          if (rows.length === 1) bad.set(rows[0] ?? 0, { column: null, reason: `${error.code}: ${firstLine(error)}` });
          else for (const half of halves(rows)) await narrow(half);
        }
      };

      /** Runs rows that were there when the runner ended, with nobody else. */
      const isolate = async (rows: Uint32Array, tries = 1): Promise<void> => {
        try {
          await narrow(rows);
        } catch (thrown) {
          if (toMusterError(thrown).code !== 'link_lost') throw thrown;
          if (++crashes > mostCrashes)
            throw new MusterError('scoring_crashes', `the model ended its runner ${crashes} times`);
          // Of what was halved on the way, some has been answered.
          const left = leftOf(rows);
          if (left.length > 1) for (const piece of pieces(left)) await isolate(piece);
          else if (left.length === 1 && tries < triesAlone) await isolate(left, tries + 1);
          else for (const row of left) bad.set(row, { column: null, reason: 'the model ends its runner on this row' });
        }
      };

      const answerRows = async (rows: Uint32Array): Promise<void> => {
        await quiet();
        try {
          await narrow(rows);
        } catch (thrown) {
          if (toMusterError(thrown).code !== 'link_lost') throw thrown;
          const left = leftOf(rows);
          if (left.length > 0) await exclusively(async () => await isolate(left));
        }
      };

      if (plan.isBatched) {
        if (good.length > 0) await answerRows(good);
      } else {
        let next = 0;
        const work = async (): Promise<void> => {
          while (next < good.length) await answerRows(good.subarray(next, ++next));
        };
        await Promise.all(Array.from({ length: singlesAtOnce }, work));
      }
      answers.sort((a, b) => (a.rows[0] ?? 0) - (b.rows[0] ?? 0));
      return { answers, bad, runMs, bytes, ranRows };
    },
  };
}

/** Whether an error of a runner may come from some of the rows; a broken link never does. */
function isAboutRows({ code }: MusterError): boolean {
  return code !== 'link_lost' && code !== 'link_violation' && code !== 'request_cancelled';
}

/** What a model says of its failure may be long, and hold values on further lines. */
function firstLine({ message }: MusterError): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300);
}

/** A start of a runner costs more than many runs: where one ends it, few and thin pieces are better than halves. */
function pieces(rows: Uint32Array): Uint32Array[] {
  const size = Math.ceil(rows.length / 16);
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, index) =>
    rows.subarray(index * size, (index + 1) * size),
  );
}

function halves(rows: Uint32Array): [Uint32Array, Uint32Array] {
  const middle = Math.ceil(rows.length / 2);
  return [rows.subarray(0, middle), rows.subarray(middle)];
}

function indexes(count: number, without: ReadonlyMap<number, unknown>): Uint32Array {
  const rows = Uint32Array.from({ length: count }, (_, index) => index);
  return without.size === 0 ? rows : rows.filter((index) => !without.has(index));
}
