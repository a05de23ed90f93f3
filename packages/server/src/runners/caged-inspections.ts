import { chmod, copyFile, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { type ProgramEnd, runProgram } from '../platform/processes/index.ts';
import type { Logger } from '../platform/telemetry/index.ts';
import { placeModel } from './cage-files.ts';
import { type Cage, type CommandLine, confine, modelsOf, scratchOf, seenFolderOf } from './confine.ts';
import { endLeftovers } from './end-leftovers.ts';
import { type InspectionMeans, type InspectionPlan, planInspection } from './inspection-plan.ts';
import { makeCage } from './isolation.ts';
import type { InspectionEnd, InspectionRequest } from './runtime-host.ts';
import { scratchUsage } from './scratch-usage.ts';
import type { UserPool } from './user-pool.ts';

export interface CagedInspectionsOptions extends InspectionMeans {
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** What inspections must not see. */
  readonly hidden: readonly string[];
  readonly users: UserPool;
  readonly log: Logger;
}

/** Inspections at the same time: each takes a core, and as much memory as it may. */
const parallelInspections = 2;

const maxOutputBytes = 16 * 1024 * 1024;

/**
 * The kernel's own limits, which also hold when nobody watches any more: CPU time, the size of a file (none is needed where
 * nothing is unpacked: the answer goes to a pipe), no core dump of what may be gigabytes.
 */
const limitedScript = 'ulimit -t "$1"; ulimit -f "$2"; ulimit -c 0; shift 2; exec "$@"';

/** What the shell's limit of file sizes counts in. */
const fileBlockBytes = 512;
const scratchEveryMs = 500;

/** CPU seconds for each second of the time limit: loading uses a few cores. */
const cpuSecondsPerSecond = 8;

const cancelled: InspectionEnd = { outcome: 'cancelled', detail: 'it was cancelled' };

/**
 * Inspections of files, each in a process and a cage of its own that is made for it and removed with it: a file is
 * somebody's code already when it is looked at for the first time.
 */
export class CagedInspections {
  readonly #options: CagedInspectionsOptions;
  readonly #ending = new AbortController();
  readonly #underWay = new Set<Promise<InspectionEnd>>();
  readonly #waiting = new Set<() => void>();
  #running = 0;
  #count = 0;

  constructor(options: CagedInspectionsOptions) {
    this.#options = options;
  }

  async inspect(request: InspectionRequest, signal?: AbortSignal): Promise<InspectionEnd> {
    const either = AbortSignal.any([this.#ending.signal, ...(signal === undefined ? [] : [signal])]);
    if (!(await this.#turn(either))) return cancelled;
    const end = this.#inspectNow(request, either);
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
  async #inspectNow(request: InspectionRequest, signal: AbortSignal): Promise<InspectionEnd> {
    const { log } = this.#options;
    const { digest, kind } = request;
    try {
      const end = await this.#withPlan(request, signal, (plan) =>
        this.#inCage((cage) => this.#run(cage, plan, request, signal)),
      );
      if (end.outcome === 'done') return { outcome: 'done', text: new TextDecoder().decode(end.output) };
      const detail = end.outcome === 'failed' ? howItFailed(end) : end.detail;
      if (end.outcome !== 'cancelled')
        log.warn(
          { digest, kind, outcome: end.outcome, said: end.errorTail },
          `an inspection did not end well: ${detail}`,
        );
      return { outcome: end.outcome, detail };
    } catch (error) {
      if (signal.aborted) return cancelled;
      log.error({ err: error, digest, kind }, 'an inspection could not be started');
      // Our own errors are for people and name no path; those of the system may.
      const reason =
        error instanceof MusterError ? error.message : ((error as NodeJS.ErrnoException).code ?? 'unknown cause');
      return { outcome: 'failed', detail: `it could not be started (${reason})` };
    }
  }

  async #withPlan<R>(
    request: InspectionRequest,
    signal: AbortSignal,
    work: (plan: InspectionPlan) => Promise<R>,
  ): Promise<R> {
    const plan = await planInspection(request, this.#options, signal);
    try {
      return await work(plan);
    } finally {
      plan.release();
    }
  }

  async #run(cage: Cage, plan: InspectionPlan, request: InspectionRequest, signal: AbortSignal): Promise<ProgramEnd> {
    const { isolation } = this.#options;
    const name = await placeModel(cage.folder, request, cage.uid !== null);
    const seen = { folder: seenFolderOf(isolation.level, cage) };
    const sample = plan.sampleFile === undefined ? undefined : join(modelsOf(seen), sampleName);
    if (plan.sampleFile !== undefined) await placeSample(plan.sampleFile, join(modelsOf(cage), sampleName));
    const program = plan.program({ file: join(modelsOf(seen), name), sample });
    const limited: Cage = { ...cage, limits: plan.kernelLimits(cage.uid) };
    const tooMuch = new AbortController();
    let pid: number | null = null;
    const watch = watchScratch(async () => await scratchUsage(scratchOf(cage), pid), plan.scratchBytes, tooMuch);
    try {
      const end = await runProgram({
        ...limitedLine(confine(isolation.level, program, limited, isolation.tools), plan),
        environment: plan.environment(scratchOf(seen)),
        workingDirectory: scratchOf(cage),
        timeoutMs: plan.timeoutMs,
        memoryBytes: plan.memoryBytes,
        maxOutputBytes,
        signal: AbortSignal.any([signal, tooMuch.signal]),
        onStart: (started) => (pid = started),
      });
      return tooMuch.signal.aborted && !signal.aborted && end.outcome === 'cancelled'
        ? { ...end, outcome: 'output', detail: `it wrote more than ${plan.scratchBytes} bytes to its scratch folder` }
        : end;
    } finally {
      clearInterval(watch);
    }
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
      if (uid !== null && this.#options.isolation.level === 'uid') endLeftovers(uid);
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

function limitedLine(line: CommandLine, plan: InspectionPlan): CommandLine {
  const seconds = String(Math.ceil(plan.timeoutMs / 1000) * cpuSecondsPerSecond);
  const blocks = String(Math.ceil(plan.scratchBytes / fileBlockBytes));
  return {
    command: '/bin/sh',
    arguments: ['-c', limitedScript, 'sh', seconds, blocks, line.command, ...line.arguments],
  };
}

/** No digest, so it is no model's. */
const sampleName = 'sample';

async function placeSample(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o444);
}

/** Nothing is watched where nothing may be written. */
function watchScratch(
  measure: () => Promise<number>,
  limitBytes: number,
  tooMuch: AbortController,
): NodeJS.Timeout | undefined {
  if (limitBytes === 0) return undefined;
  let isLooking = false;
  return setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void measure().then((bytes) => {
      isLooking = false;
      if (bytes > limitBytes) tooMuch.abort();
    });
  }, scratchEveryMs);
}

/** A cage may pass the death of what is in it on as an exit code, as shells do. */
function howItFailed({ exitCode, detail }: { readonly exitCode: number | null; readonly detail: string }): string {
  const name = Object.entries(constants.signals).find(([, number]) => exitCode === 128 + number)?.[0];
  return name === undefined ? detail : `ended by ${name}`;
}
