import { MusterError, type Problem, toMusterError, toProblem } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { DeploymentRecord } from './deployment.ts';
import type { ModelFiles } from './runner-wishes.ts';

/** After a failure that may pass, a file is asked for again at the earliest after this time. */
const retryMs = 1000;

type Known =
  | { readonly path: string }
  | { readonly problem: Problem; readonly isMissing: boolean; readonly at: number }
  | 'fetching';

/** Local paths of model files. They are fetched in the background: a slow object store holds nobody else up. */
export interface ModelFileCache {
  of(deployment: DeploymentRecord, now: number): ModelFiles | 'fetching' | 'missing';
  /** Files that will not come, by digest. */
  missing(): ReadonlyMap<string, Problem>;
}

/** `onArrival` is called whenever `of` would answer something else. */
export function createModelFileCache(
  objects: Pick<ObjectStore, 'localFile'>,
  clock: Clock,
  onArrival: () => void,
): ModelFileCache {
  const known = new Map<string, Known>();

  async function fetch(digest: string): Promise<void> {
    known.set(digest, 'fetching');
    try {
      known.set(digest, { path: await objects.localFile(digest) });
    } catch (thrown) {
      const error = toMusterError(thrown);
      const isMissing = error.kind === 'not_found' || error.code === 'object_corrupt';
      known.set(digest, {
        problem: toProblem(
          isMissing ? new MusterError(error.code, `its file ${digest} can't be had: ${error.message}`) : error,
        ),
        isMissing,
        at: clock.now(),
      });
    }
    onArrival();
  }

  function find(digest: string, at: number): { readonly path: string } | 'fetching' | 'missing' {
    const entry = known.get(digest);
    if (entry === undefined || (entry !== 'fetching' && 'problem' in entry && at - entry.at >= retryMs))
      void fetch(digest);
    if (entry === undefined || entry === 'fetching') return 'fetching';
    if ('path' in entry) return entry;
    return entry.isMissing ? 'missing' : 'fetching';
  }

  return {
    of(deployment, at) {
      const { digest, sampleDigest } = deployment.served;
      const file = find(digest, at);
      const sample = sampleDigest === null ? undefined : find(sampleDigest, at);
      if (file === 'missing' || sample === 'missing') return 'missing';
      if (file === 'fetching' || sample === 'fetching') return 'fetching';
      return { file: file.path, sampleFile: sample?.path };
    },

    missing() {
      const problems = new Map<string, Problem>();
      for (const [digest, entry] of known)
        if (entry !== 'fetching' && 'problem' in entry && entry.isMissing) problems.set(digest, entry.problem);
      return problems;
    },
  };
}
