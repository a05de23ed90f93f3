import { join } from 'node:path';
import type { Loaded } from '@muster-ml/protocol';
import { placeModel, readSample } from './cage-files.ts';
import { type Cage, type IsolationLevel, modelsOf, seenFolderOf } from './confine.ts';
import type { RunnerProcess } from './runner-process.ts';
import type { ReplicaWish } from './runtime-host.ts';
import { proveSample } from './sample-proof.ts';

/**
 * Puts a model into the cage of a runner, has it loaded, and proves by its sample that it answers as it did where it was
 * made. Throws what the runner answers, and `sample_differs`, after which the runner holds the replica no more.
 */
export async function loadReplica(
  runner: Pick<RunnerProcess, 'load' | 'unload' | 'infer'>,
  wish: ReplicaWish,
  cage: Cage,
  level: IsolationLevel,
): Promise<Loaded> {
  const name = await placeModel(cage.folder, wish, cage.uid !== null);
  const sample = wish.sampleFile === undefined ? undefined : await readSample(wish.sampleFile);
  const loaded = await runner.load(
    {
      replica: wish.id,
      file: join(modelsOf({ folder: seenFolderOf(level, cage) }), name),
      ...(wish.options === undefined ? {} : { options: wish.options }),
      ...(wish.python === undefined ? {} : { python: wish.python }),
      ...(sample === undefined ? {} : { sample: sample.inputs }),
    },
    sample === undefined ? [] : [sample.payload],
  );
  if (sample === undefined) return loaded;
  try {
    await proveSample(runner, wish.id, sample);
  } catch (error) {
    await runner.unload(wish.id).catch(() => {}); // where the runner has ended, it holds nothing either
    throw error;
  }
  return loaded;
}
