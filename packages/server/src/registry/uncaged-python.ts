import { MusterError } from '@muster-ml/protocol';

/** What the decision whether a Python model may run here depends on. */
export interface CageFacts {
  /** How runners are isolated on this machine now. */
  readonly isolation: () => { readonly level: string; readonly advice: string };
  readonly countPersonsWithTokens: () => Promise<number>;
}

/** Throws `isolation_too_weak` where a Python model must not run. */
export type RefuseUncagedPython = () => Promise<void>;

/**
 * A pickle is a program: without a cage it can do what Muster itself can. Whoever is alone on an installation may do
 * that to themselves; where a second person holds a token, they would do it to each other.
 */
export function createUncagedPythonGuard({ isolation, countPersonsWithTokens }: CageFacts): RefuseUncagedPython {
  return async () => {
    const { level, advice } = isolation();
    if (level !== 'none') return;
    const persons = await countPersonsWithTokens();
    if (persons < 2) return;
    throw new MusterError(
      'isolation_too_weak',
      `${persons} persons have tokens here, and nothing on this machine keeps a Python model from what is theirs`,
      advice === '' ? {} : { remedy: advice },
    );
  };
}
