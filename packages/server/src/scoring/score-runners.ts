import { MusterError, fromProblem } from '@muster-ml/protocol';
import { howItRuns, runnerFor } from '../deployments/index.ts';
import type { RunnerWish, RuntimeHost } from '../runners/index.ts';
import type { SecretValues } from '../secrets/index.ts';
import type { ScoreRecord } from './score.ts';

/** The files of a version on this machine. */
export interface VersionFiles {
  readonly file: string;
  readonly sampleFile: string | undefined;
}

/** A runner that a score has for itself. */
export interface ScoreRunner {
  /** Rejects when the runner will never answer: its model can't be loaded, or not proven. Never resolves. */
  readonly failed: Promise<never>;
  release(): void;
}

/**
 * The runners of this room: one for each score that runs, behind everything else on the machine, so that no prediction
 * waits for a batch.
 */
export interface ScoreRunners {
  /** Tells the host what this room wants, also where that is nothing: it waits for every room's first list. */
  begin(): void;
  /** `secrets`: by the names of the variables that the model finds them under. */
  take(score: ScoreRecord, files: VersionFiles, secrets: SecretValues): ScoreRunner;
}

export function createScoreRunners(host: RuntimeHost, onError: (error: unknown) => void): ScoreRunners {
  const wishes = new Map<string, RunnerWish>();

  const tell = (): void => {
    host.want([...wishes.values()]).catch(onError);
  };

  return {
    begin: tell,

    take(score, files, secrets) {
      const wish = { ...wishFor(score, files), ...(Object.keys(secrets).length === 0 ? {} : { secrets }) };
      wishes.set(wish.id, wish);
      tell();
      const { replica } = runnerOf(score);
      const failure = Promise.withResolvers<never>();
      // Whoever waits for the end of the score hears of it; there may be nobody left.
      failure.promise.catch(() => {});
      const look = (): void => {
        const runner = host.observed().find(({ id }) => id === wish.id);
        const problem =
          runner?.replicas.find(({ id, state }) => id === replica && state === 'failed')?.problem ??
          (runner?.state === 'failed' ? runner.problem : undefined);
        if (problem !== undefined) failure.reject(fromProblem(problem));
        else if (runner?.state === 'failed')
          failure.reject(new MusterError('runner_crashed', 'the runner cannot be started'));
      };
      const endLooking = host.onChange(look);
      look();
      return {
        failed: failure.promise,
        release() {
          endLooking();
          wishes.delete(wish.id);
          tell();
        },
      };
    },
  };
}

/** The ids of a score's runner and of the replica in it. */
export function runnerOf({ id }: Pick<ScoreRecord, 'id'>): { readonly runner: string; readonly replica: string } {
  const runner = `score-${id}`;
  return { runner, replica: `${runner}.1` };
}

function wishFor(score: ScoreRecord, { file, sampleFile }: VersionFiles): RunnerWish {
  const { served, settings, team } = score;
  const { runner, replica } = runnerOf(score);
  return {
    id: runner,
    ...runnerFor({ served, settings }),
    team,
    kind: 'own',
    limits: { ...settings.resources },
    isBackground: true,
    replicas: [
      {
        id: replica,
        file,
        digest: served.digest,
        ...howItRuns({ served, settings }),
        ...(sampleFile === undefined ? {} : { sampleFile }),
      },
    ],
  };
}
