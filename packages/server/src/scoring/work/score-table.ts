import { type Tensor, rowPlan } from '@muster-ml/protocol';
import type { RunnerResult } from '../../platform/link/index.ts';
import { AppendFile } from '../tables/append-file.ts';
import { openTable } from '../tables/open-table.ts';
import { type ResultTable, openResult } from '../tables/result-table.ts';
import type { Block, TableReader, Values } from '../tables/table.ts';
import { type AnsweredBlock, createAnswerer } from './answer-rows.ts';
import { type ChunkLimits, defaultChunkLimits, firstChunkRows, nextChunkRows } from './chunk-size.ts';
import { Reasons, defaultFirstRows, firstRowsOf } from './first-rows.ts';
import { type MatchedColumns, matchColumns } from './match-columns.ts';
import type { ScorePart, ScoreTask, WorkMessage } from './task.ts';
import { WorkPace } from './work-pace.ts';

/** Blocks that are on their way together: while one runs, the next is read and the last is written. */
const blocksAtOnce = 2;
/** Rows of a part, the least it takes to go on after a crash; Parquet makes a row group of each. */
const mostPartRows = 131_072;
/** Bytes of outputs of a part, which Parquet keeps until the part is written. */
const mostPartBytes = 64 * 1024 * 1024;
const leastPartMs = 2000;
const mostPartMs = 60_000;
const tellEveryMs = 500;

export interface ScoreTableParts {
  readonly infer: (inputs: readonly Tensor[], outputs: readonly string[] | undefined) => Promise<RunnerResult>;
  readonly tell: (message: WorkMessage) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly limits?: Partial<ChunkLimits> | undefined;
}

/**
 * Answers every row of a table once, in order, with bounded memory. The answers are appended to one file, the bad rows to
 * another; now and then both are synced and a part is told, and a later attempt that is given the parts goes on behind the
 * last one. Throws `invalid_table`, `columns_missing`, `too_many_bad_rows`, `scoring_crashes`, and what a model fails with
 * whatever it is sent.
 */
export async function scoreTable(task: ScoreTask, parts: ScoreTableParts): Promise<void> {
  const plan = rowPlan(task.signature);
  const { delimiter, hasHeader } = task.input.csv;
  const names = plan.columns.map(({ name }) => name);
  const reader = openTable(task.input.path, task.input.format, { delimiter, hasHeader, names });
  const last = task.parts.at(-1);
  const files: AppendFile[] = [];
  try {
    const matched = matchColumns(plan, reader.names, task.keep, task.outputs);
    reader.begin(matched.wanted, last === undefined ? undefined : { row: last.toRow, place: last.place });
    const result = new AppendFile(task.result.path, last?.resultBytes ?? 0);
    files.push(result);
    const errors = new AppendFile(task.errorsPath, last?.errorsBytes ?? 0);
    files.push(errors);
    parts.tell({ kind: 'checked' });
    const work = new Work(task, parts, reader, matched, result, errors);
    await work.all();
  } finally {
    reader.close();
    for (const file of files) file.close();
  }
}

/** The state of one attempt. */
class Work {
  readonly #task: ScoreTask;
  readonly #parts: ScoreTableParts;
  readonly #reader: TableReader;
  readonly #matched: MatchedColumns;
  readonly #result: AppendFile;
  readonly #errors: AppendFile;
  readonly #table: ResultTable;
  readonly #limits: ChunkLimits;
  readonly #pace: WorkPace;
  readonly #reasons = new Reasons();
  readonly #answer: (block: Block) => Promise<AnsweredBlock>;
  #chunkRows = firstChunkRows;
  #done: number;
  #bad: number;
  #partNumber: number;
  /** Where the row behind the last one that was written is. */
  #place: number;
  #partAt: number;
  #partFrom: number;
  #partBytes = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  readonly #startedAt: number;

  constructor(
    task: ScoreTask,
    parts: ScoreTableParts,
    reader: TableReader,
    matched: MatchedColumns,
    result: AppendFile,
    errors: AppendFile,
  ) {
    this.#task = task;
    this.#parts = parts;
    this.#reader = reader;
    this.#matched = matched;
    this.#result = result;
    this.#errors = errors;
    this.#limits = { ...defaultChunkLimits, ...parts.limits };
    if (task.maxRows !== undefined)
      this.#limits = { ...this.#limits, mostRows: Math.min(this.#limits.mostRows, task.maxRows) };
    this.#pace = new WorkPace(parts.now);
    const last = task.parts.at(-1);
    this.#done = last?.toRow ?? 0;
    this.#bad = last?.badRows ?? 0;
    this.#partNumber = (last?.number ?? 0) + 1;
    this.#place = last?.place ?? reader.place();
    this.#startedAt = parts.now();
    this.#partAt = this.#startedAt;
    this.#partFrom = this.#done;
    const types = reader.types();
    this.#table = openResult(
      task.result.format,
      result,
      {
        signature: task.signature,
        rowColumn: matched.rowColumn,
        kept: matched.wanted.slice(matched.keptFrom).map(({ name }, index) => ({
          name,
          type: types[matched.keptFrom + index] ?? 'text',
        })),
        facts: () => ({
          ...task.facts,
          'muster.rows': String(this.#done),
          'muster.bad_rows': String(this.#bad),
          'muster.scored_at': new Date(parts.now()).toISOString(),
        }),
      },
      task.parts.map(({ state }) => state ?? undefined),
    );
    const answerer = createAnswerer({ plan: rowPlan(task.signature), infer: parts.infer, outputs: task.outputs });
    this.#answer = async (block) =>
      await answerer.answer(
        matched.inputs.map((index) => (index === undefined ? undefined : block.columns[index])),
        block.rows,
        block.faults,
      );
  }

  async all(): Promise<void> {
    this.#tell(true);
    if (this.#done === 0) {
      await this.#firstRows();
      this.#part();
    }
    await this.#upTo(Infinity);
    if (this.#done > this.#partFrom) this.#part();
    this.#table.finish();
    this.#result.sync();
    this.#errors.sync();
    this.#tell(true);
    this.#parts.tell({ kind: 'done', rows: this.#done, badRows: this.#bad });
  }

  /** Nothing behind the first rows is run before they have been looked at. */
  async #firstRows(): Promise<void> {
    const limits = this.#task.firstRows ?? defaultFirstRows;
    const { totalRows } = this.#reader;
    await this.#upTo(firstRowsOf(totalRows, limits));
    // Without a total, it takes some rows to estimate it.
    const share = this.#reader.share();
    if (totalRows === undefined && share > 0) await this.#upTo(firstRowsOf(this.#done / share, limits));
    this.#reasons.judge(this.#done, this.#bad);
  }

  /** Answers and writes the rows before `end`. */
  async #upTo(end: number): Promise<void> {
    const underWay: { readonly block: Block; readonly place: number; readonly answered: Promise<AnsweredBlock> }[] = [];
    try {
      for (let next = this.#done; ;) {
        const block = next < end ? this.#reader.next(Math.min(this.#chunkRows, end - next)) : undefined;
        if (block !== undefined) {
          const answered = this.#answer(block);
          // It is awaited later; should an earlier one fail first, nobody hears of this one.
          answered.catch(() => {});
          underWay.push({ block, place: this.#reader.place(), answered });
          next += block.rows;
          if (underWay.length < blocksAtOnce) continue;
        }
        const first = underWay.shift();
        if (first === undefined) return;
        const answered = await first.answered;
        this.#write(first.block, answered, first.place);
      }
    } catch (error) {
      await Promise.allSettled(underWay.map(({ answered }) => answered));
      throw error;
    }
  }

  #write(block: Block, { answers, bad, runMs, bytes, ranRows }: AnsweredBlock, place: number): void {
    const { keptFrom } = this.#matched;
    for (const { rows, outputs } of answers) {
      for (const tensor of outputs) this.#partBytes += tensor.bytes.byteLength;
      this.#table.append({
        rows: Array.from(rows, (row) => block.firstRow + row),
        kept: block.columns.slice(keptFrom).map((values) => picked(values, rows)),
        outputs,
      });
    }
    let lines = '';
    for (const [row, fault] of [...bad].toSorted(([a], [b]) => a - b)) {
      lines += `${JSON.stringify({ row: block.firstRow + row, ...fault })}\n`;
      this.#reasons.add(fault);
    }
    if (lines !== '') this.#errors.append(Buffer.from(lines));
    this.#done += block.rows;
    this.#bad += bad.size;
    this.#place = place;
    this.#chunkRows = nextChunkRows({ rows: block.rows, ranRows, runMs, bytes }, this.#limits);
    if (this.#isPartDue()) this.#part();
    this.#tell(false);
  }

  /** The longer it has run, the rarer the parts: a crash costs a small share of the time, and parts stay few. */
  #isPartDue(): boolean {
    // The first rows are a part only once they were found good.
    if (this.#partNumber === 1) return false;
    const now = this.#parts.now();
    const dueMs = this.#task.partMs ?? Math.min(mostPartMs, Math.max(leastPartMs, (now - this.#startedAt) / 50));
    const isLarge = this.#done - this.#partFrom >= mostPartRows || this.#partBytes >= mostPartBytes;
    return isLarge || now - this.#partAt >= dueMs;
  }

  #part(): void {
    const state = this.#table.flush() ?? null;
    this.#result.sync();
    this.#errors.sync();
    const part: ScorePart = {
      number: this.#partNumber++,
      toRow: this.#done,
      badRows: this.#bad,
      place: this.#place,
      resultBytes: this.#result.sizeBytes,
      errorsBytes: this.#errors.sizeBytes,
      state,
    };
    this.#parts.tell({ kind: 'part', part });
    this.#tell(true);
    this.#partAt = this.#parts.now();
    this.#partFrom = this.#done;
    this.#partBytes = 0;
  }

  #tell(isDue: boolean): void {
    const now = this.#parts.now();
    if (!isDue && now - this.#toldAt < tellEveryMs) return;
    this.#toldAt = now;
    const progress = this.#pace.look(this.#done, this.#bad, this.#reader.totalRows, this.#reader.share());
    this.#parts.tell({ kind: 'progress', progress });
  }
}

function picked(values: Values, rows: Uint32Array): Values {
  if (rows.length === values.length) return values;
  return Array.from(rows, (row) => values[row]);
}
