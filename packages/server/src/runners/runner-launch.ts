import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fromProblem } from '@muster-ml/protocol';
import { shortIdOf } from './cage-files.ts';
import { type Cage, type CommandLine, type Program, confine, scratchOf, seenFolderOf } from './confine.ts';
import { type Isolation, makeCage } from './isolation.ts';
import { backgroundWords, cpuLimitWords, pythonLimits } from './limits.ts';
import {
  type PythonHome,
  type PythonPrograms,
  checkReachable,
  pythonEnvironment,
  pythonProgram,
} from './python-program.ts';
import type { RunnerWish } from './runtime-host.ts';

/** What Python runners may take, where their deployment does not say. */
export interface PythonAllowance {
  readonly pythonMemoryBytes: number;
  /** Most bytes of a scratch folder, besides the models that are unpacked there. */
  readonly pythonScratchBytes: number;
}

/** What the host knows that every runner is started with. */
export interface RunnerSurroundings {
  readonly isolation: Isolation;
  /** How the ONNX runtime is started; `--listen unix:…` is added. */
  readonly onnx: Program;
  readonly python: () => PythonPrograms;
  /** The environment of runners, whole. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: PythonAllowance;
}

/** How one runner process is started. */
export interface RunnerLaunch {
  readonly line: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly socketFile: string;
}

/**
 * Makes the cage of a runner and says how it is started in it. Throws `limit_not_enforceable`, and why the wish refuses it.
 * `home`: of a Python runner.
 */
export function launchRunner(
  wish: RunnerWish,
  bareCage: Cage,
  home: PythonHome | null,
  surroundings: RunnerSurroundings,
): RunnerLaunch {
  const { isolation } = surroundings;
  if (wish.refusal !== undefined) throw fromProblem(wish.refusal);
  if (home !== null) checkReachable(home, isolation);
  const socketFile = join(bareCage.socketFolder, 's');
  const listen = ['--listen', `unix:${socketFile}`];
  const words = [
    ...(wish.isBackground === true ? backgroundWords : []),
    ...cpuLimitWords(wish.limits.cpu, Number.parseInt(shortIdOf(wish.id).slice(0, 6), 16), isolation.tools),
  ];
  const cage: Cage =
    home === null
      ? bareCage
      : {
          ...bareCage,
          limits: pythonLimits({
            memoryBytes: memoryLimitOf(wish, surroundings.limits.pythonMemoryBytes) ?? 0,
            scratchBytes: scratchLimitOf(wish, surroundings.limits.pythonScratchBytes),
            isolation,
            uid: bareCage.uid,
          }),
        };
  const program =
    home === null
      ? { ...surroundings.onnx, arguments: [...surroundings.onnx.arguments, ...listen] }
      : pythonProgram(home, surroundings.python().program, listen);
  makeCage(cage);
  const inner = confine(isolation.level, program, cage, isolation.tools);
  const [command = '', ...rest] = [...words, inner.command, ...inner.arguments];
  const scratch = scratchOf({ folder: seenFolderOf(isolation.level, cage) });
  return {
    line: { command, arguments: rest },
    environment:
      home === null
        ? surroundings.environment
        : // Only here: a command line is seen by everybody on the machine.
          {
            ...secretVariables(wish.secrets),
            ...pythonEnvironment(surroundings.environment, scratch, wish.threads ?? 1),
          },
    workingDirectory: scratchOf(cage),
    socketFile,
  };
}

/** Secrets as the program gets them, and which they are: what a model throws is told to callers without their values. */
function secretVariables(secrets: RunnerWish['secrets']): Readonly<Record<string, string>> {
  const names = Object.keys(secrets ?? {});
  return names.length === 0 ? {} : { ...secrets, MUSTER_RUNNER_SECRETS: names.join(',') };
}

/** Most memory of a runner; undefined: as much as there is. */
export function memoryLimitOf(wish: RunnerWish, pythonMemoryBytes: number): number | undefined {
  return wish.limits.memoryBytes ?? (wish.runtime === 'python' ? pythonMemoryBytes : undefined);
}

/** Most bytes that the scratch folder of a Python runner may hold: its models are unpacked there. */
export function scratchLimitOf(wish: RunnerWish, allowanceBytes: number): number {
  const models = wish.replicas.map(({ file }) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  return models.reduce((sum, bytes) => sum + 2 * bytes, allowanceBytes);
}
