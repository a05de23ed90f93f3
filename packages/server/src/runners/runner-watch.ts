import { type HealthReport, MusterError, toProblem } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import { readProcessTable } from '../platform/processes/index.ts';
import { mostTasks } from './limits.ts';
import { type PythonAllowance, memoryLimitOf, scratchLimitOf } from './runner-launch.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { RunnerSlot } from './runner-slot.ts';
import { scratchUsage } from './scratch-usage.ts';

export interface RunnerWatchOptions {
  readonly slots: () => Iterable<RunnerSlot>;
  readonly limits: PythonAllowance & {
    /** A runner that is silent for this long is ended; its replicas lose their readiness at half of it. */
    readonly hangMs: number;
  };
  readonly scratchOf: (slot: RunnerSlot) => string;
  readonly clock: Clock;
  readonly onChange: () => void;
}

const healthEveryMs = 1_000;
const usageEveryMs = 250;
const scratchEveryMs = 1_000;

/**
 * Looks after running runners: asks each for its health every second, ends what hangs and what takes more memory than it
 * may, starts too many processes or fills its scratch folder. Memory is read from the kernel, because a runner that is busy
 * growing does not answer; where there is no /proc, its own reports have to do.
 */
export class RunnerWatch {
  readonly #options: RunnerWatchOptions;
  readonly #measuring = new WeakSet<RunnerProcess>();
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(options: RunnerWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#checkHealth(), healthEveryMs),
      setInterval(() => this.#checkUsage(), usageEveryMs),
      setInterval(() => this.#checkScratch(), scratchEveryMs),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #checkHealth(): void {
    for (const slot of this.#options.slots()) {
      const runner = slot.process;
      if (slot.phase !== 'running' || runner === null) continue;
      if (slot.askedAt !== null) {
        this.#judgeSilence(slot, runner, this.#options.clock.now() - slot.askedAt);
        continue;
      }
      slot.askedAt = this.#options.clock.now();
      runner.health().then(
        (report) => {
          if (slot.process === runner) this.#takeReport(slot, runner, report);
        },
        () => {}, // the link is gone; the end of the process follows
      );
    }
  }

  #judgeSilence(slot: RunnerSlot, runner: RunnerProcess, silentMs: number): void {
    const { hangMs } = this.#options.limits;
    // A load may keep the runner busy for as long as a load may take, and has a limit of its own.
    if ([...slot.replicas.values()].some(({ phase }) => phase === 'loading')) return;
    if (silentMs >= hangMs)
      return runner.kill(new MusterError('runner_hung', `the runner did not answer for ${silentMs} ms`));
    if (silentMs < hangMs / 2) return;
    let hasChanged = false;
    for (const replica of slot.replicas.values()) {
      if (replica.phase !== 'ready') continue;
      replica.phase = 'unready';
      replica.problem = toProblem(new MusterError('runner_hung', `the runner has not answered for ${silentMs} ms`));
      hasChanged = true;
    }
    if (hasChanged) this.#options.onChange();
  }

  #takeReport(slot: RunnerSlot, runner: RunnerProcess, report: HealthReport): void {
    slot.askedAt = null;
    slot.rssBytes = report.rssBytes;
    slot.cpuMicros = report.cpuMicros;
    const reported = new Map(report.replicas.map((each) => [each.replica, each]));
    for (const replica of slot.replicas.values()) {
      if (replica.phase !== 'ready' && replica.phase !== 'unready') continue;
      const found = reported.get(replica.id);
      // A runner that lost a replica gets it again.
      if (found?.state === 'ready')
        Object.assign(replica, {
          phase: 'ready',
          problem: undefined,
          memoryBytes: found.memoryBytes,
          runs: found.runs,
          runMicros: found.runMicros,
        });
      else replica.phase = found?.state === 'failed' ? 'failed' : 'waiting';
    }
    this.#limitMemory(slot, runner, report.rssBytes);
    this.#options.onChange();
  }

  #checkUsage(): void {
    const limited = [...this.#options.slots()].filter(
      (slot) => slot.process !== null && (slot.wish.runtime === 'python' || this.#memoryLimitOf(slot) !== undefined),
    );
    if (limited.length === 0) return;
    const table = readProcessTable();
    for (const slot of limited) {
      const runner = slot.process;
      const usage = runner?.pid == null ? null : table.usageOf(runner.pid);
      if (runner === null || runner.pid === null || usage === null) continue;
      this.#limitMemory(slot, runner, usage.rssBytes);
      if (slot.wish.runtime === 'python') limitProcesses(runner, table.treeOf(runner.pid));
    }
  }

  /** A folder that takes longer than a second to look at is not begun anew before it is done. */
  #checkScratch(): void {
    for (const slot of this.#options.slots()) {
      const runner = slot.process;
      if (runner === null || runner.pid === null || slot.wish.runtime !== 'python' || this.#measuring.has(runner))
        continue;
      this.#measuring.add(runner);
      void scratchUsage(this.#options.scratchOf(slot), runner.pid).then((bytes) => {
        this.#measuring.delete(runner);
        const limit = scratchLimitOf(slot.wish, this.#options.limits.pythonScratchBytes);
        if (bytes > limit)
          runner.kill(
            new MusterError(
              'scratch_exceeded',
              `the runner wrote ${bytes} bytes to its scratch folder; ${limit} are allowed`,
            ),
          );
      });
    }
  }

  #memoryLimitOf(slot: RunnerSlot): number | undefined {
    return memoryLimitOf(slot.wish, this.#options.limits.pythonMemoryBytes);
  }

  #limitMemory(slot: RunnerSlot, runner: RunnerProcess, rssBytes: number): void {
    const limit = this.#memoryLimitOf(slot);
    if (limit === undefined || rssBytes <= limit) return;
    const place = slot.wish.limits.memoryBytes === undefined ? 'python.memoryBytes' : 'resources.memoryBytes';
    runner.kill(
      new MusterError('memory_exceeded', `the runner took ${rssBytes} bytes of memory; ${place} allows ${limit}`, {
        place,
      }),
    );
  }
}

/** Where the kernel does not count them for us. */
function limitProcesses(runner: RunnerProcess, pids: readonly number[]): void {
  runner.remember(pids);
  if (pids.length > mostTasks)
    runner.kill(new MusterError('runner_crashed', `the runner had ${pids.length} processes; ${mostTasks} are allowed`));
}
