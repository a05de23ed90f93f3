import { MusterError } from '@muster-ml/protocol';
import type { MadeEnvironment, PythonEnvironments } from '../src/runners/environments/python-environments.ts';

/** Environments that are all one that is there already; with null, there is none and nothing can be made. */
export function oneEnvironment(home: Pick<MadeEnvironment, 'python' | 'readable'> | null): PythonEnvironments {
  const made = (): MadeEnvironment => {
    if (home === null) throw new MusterError('environment_failed', 'no environment can be made in this test');
    return { digest: 'one', folder: '', sizeBytes: 0, ...home };
  };
  return {
    ensure: async () => await Promise.resolve(made()),
    ensureTool: async () => await Promise.resolve(home === null ? null : made()),
    makeEnvironment: async (wish) =>
      await Promise.resolve({ python: wish.python ?? '3.11', requirements: [...wish.requirements] }),
    keepEnvironments: async () => await Promise.resolve(),
    interpreters: async () => await Promise.resolve([]),
    hold: () => () => {},
    stop: async () => await Promise.resolve(),
  };
}
