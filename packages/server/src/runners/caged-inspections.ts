import { rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type ProgramEnd, runProgram } from '../platform/processes/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import { placeModel } from './cage-files.ts';
import { type Cage, type CommandLine, type Program, confine, modelsOf, scratchOf, seenFolderOf } from './confine.ts';
import { type Isolation, makeCage } from './isolation.ts';
import type { InspectionEnd, InspectionHost } from './runtime-host.ts';
import type { UserPool } from './user-pool.ts';

export interface CagedInspectionsOptions {
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** What inspections must not see. */
  readonly hidden: readonly string[];
  readonly isolation: Isolation;
  /** How the inspection program is started; the path of the file is added. */
  readonly program: Program;
  /** The environment of inspections, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly users: UserPool;
  readonly limits: { readonly inspectionMs: number; readonly inspectionMemoryBytes: number };
  readonly log: Logger;
}

/** Inspections at the same time: each takes a core, and as much memory as it may. */
const parallelInspections = 2;

const maxOutputBytes = 16 * 1024 * 1024;

/**
 * The kernel's own limits, which also hold when nobody watches any more: CPU time, no word into any file (the answer goes
 * to a pipe), no core dump of what may be gigabytes.
 */
const limitedScript = 'ulimit -t "$1"; ulimit -f 0; ulimit -c 0; shift; exec "$@"';

/** CPU seconds for each second of the time limit: loading uses a few cores. */
const cpuSecondsPerSecond = 8;

const cancelled: InspectionEnd = { outcome: 'cancelled', detail: 'it was cancelled' };

/**
 * Inspections of files, each in a process and a cage of its own that is made for it and removed with it: a file is
 * somebody's code already when it is looked at for the first time.
 */
export class CagedInspections implements InspectionHost {
  readonly #options: CagedInspectionsOptions;
  readonly #ending = new AbortController();
  readonly #underWay = new Set<Promise<InspectionEnd>>();
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #count = 0;

  constructor(options: CagedInspectionsOptions) {
    this.#options = options;
  }

  async inspect(file: string, digest: string, signal?: AbortSignal): Promise<InspectionEnd> {
    const either = AbortSignal.any([this.#ending.signal, ...(signal === undefined ? [] : [signal])]);
    if (!(await this.#turn(either))) return cancelled;
    const end = this.#inspectNow(file, digest, either);
    this.#underWay.add(end);
    try {
      return await end;
    } finally {
      this.#underWay.delete(end);
      this.#passTurn();
    }
  }

  /** Ends all, those that wait too; resolves when none is left. */
  async stop(): Promise<void> {
    this.kill();
    await Promise.all(this.#underWay);
  }

  /** Kills all at once. */
  kill(): void {
    this.#ending.abort();
  }

  /** Never throws: what goes wrong on our side must not say where we keep things, so it is logged and named by its code. */
  async #inspectNow(file: string, digest: string, signal: AbortSignal): Promise<InspectionEnd> {
    const { log } = this.#options;
    try {
      const end = await this.#inCage((cage) => this.#run(cage, file, digest, signal));
      if (end.outcome === 'done') return { outcome: 'done', text: new TextDecoder().decode(end.output) };
      const detail = end.outcome === 'failed' ? howItFailed(end) : end.detail;
      if (end.outcome !== 'cancelled')
        log.warn({ digest, outcome: end.outcome, said: end.errorTail }, `an inspection did not end well: ${detail}`);
      return { outcome: end.outcome, detail };
    } catch (error) {
      log.error({ err: error, digest }, 'an inspection could not be started');
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown cause';
      return { outcome: 'failed', detail: `it could not be started (${code})` };
    }
  }

  async #run(cage: Cage, file: string, digest: string, signal: AbortSignal): Promise<ProgramEnd> {
    const { isolation, program, environment, limits } = this.#options;
    const name = await placeModel(cage.folder, { file, digest }, cage.uid !== null);
    const seen = join(modelsOf({ folder: seenFolderOf(isolation.level, cage) }), name);
    const caged = { ...program, arguments: [...program.arguments, seen] };
    return await runProgram({
      ...limitedLine(confine(isolation.level, caged, cage, isolation.tools), limits.inspectionMs),
      environment,
      workingDirectory: scratchOf(cage),
      timeoutMs: limits.inspectionMs,
      memoryBytes: limits.inspectionMemoryBytes,
      maxOutputBytes,
      signal,
    });
  }

  async #inCage<R>(work: (cage: Cage) => Promise<R>): Promise<R> {
    const { cagesFolder, runtimeDir, hidden, users } = this.#options;
    const name = `i-${++this.#count}`;
    const uid = users.take();
    const cage = { folder: join(cagesFolder, name), socketFolder: join(runtimeDir, name), hidden, uid };
    try {
      makeCage(cage);
      return await work(cage);
    } finally {
      for (const folder of [cage.folder, cage.socketFolder]) await rm(folder, { recursive: true, force: true });
      users.giveBack(uid);
    }
  }

  /** Waits until fewer run than may; false where the signal came first. */
  #turn(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#running < parallelInspections) {
      this.#running += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = (): void => {
        this.#waiting.delete(begin);
        resolve(false);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.add(begin);
    });
  }

  #passTurn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

function limitedLine(line: CommandLine, timeoutMs: number): CommandLine {
  const seconds = String(Math.ceil(timeoutMs / 1000) * cpuSecondsPerSecond);
  return { command: '/bin/sh', arguments: ['-c', limitedScript, 'sh', seconds, line.command, ...line.arguments] };
}

/** A cage may pass the death of what is in it on as an exit code, as shells do. */
function howItFailed({ exitCode, detail }: { readonly exitCode: number | null; readonly detail: string }): string {
  const name = Object.entries(constants.signals).find(([, number]) => exitCode === 128 + number)?.[0];
  return name === undefined ? detail : `ended by ${name}`;
}
