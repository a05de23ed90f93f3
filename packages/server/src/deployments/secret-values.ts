import { MusterError, type Problem, toMusterError, toProblem } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { SecretUses } from '../secrets/index.ts';
import type { DeploymentRecord } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import type { SecretsWish } from './runner-wishes.ts';

/** Looked up again after this time, in case that another control has set a secret. */
const freshMs = 60_000;
/** After a failure, likewise. */
const retryMs = 1000;

interface Known {
  /** What was found last; undefined before the first time. */
  readonly wish: SecretsWish | undefined;
  /** When it is looked up again; undefined while it is. */
  readonly until: number | undefined;
}

/**
 * The values that runners are started with, held in memory for as long as their deployments are there. They are looked up in
 * the background; what was found last counts until there is something newer.
 */
export interface SecretValueCache {
  of(deployment: DeploymentRecord, endpoint: string, now: number): SecretsWish | 'fetching';
  /** Whether something is to be looked up again, which `of` begins. */
  isDue(now: number): boolean;
  /** Forgets the values of deployments that are not in these any more. */
  keep(states: () => Iterable<EndpointState>): void;
  stop(): void;
}

/** `onArrival` is called whenever `of` would answer something else. */
export function createSecretValueCache(
  secrets: Pick<SecretUses, 'values' | 'onChange'>,
  clock: Clock,
  onArrival: () => void,
): SecretValueCache {
  const known = new Map<string, Known>();
  const stop = secrets.onChange(() => {
    for (const [id, entry] of known) if (entry.until !== undefined) known.set(id, { ...entry, until: 0 });
    onArrival();
  });

  async function fetch({ id, settings }: DeploymentRecord, endpoint: string): Promise<void> {
    const before = known.get(id)?.wish;
    known.set(id, { wish: before, until: undefined });
    const wish = await secrets.values({ kind: 'deployment', id, endpoint }, settings.secrets ?? {}).then(
      (values): SecretsWish => ({ secrets: values }),
      // The values that it has stay with what runs; only a start would be one without them.
      (error: unknown): SecretsWish => ({ ...before, refusal: refusalOf(error) }),
    );
    // It may have gone meanwhile.
    if (!known.has(id)) return;
    known.set(id, { wish, until: clock.now() + (wish.refusal === undefined ? freshMs : retryMs) });
    if (!isSame(before, wish)) onArrival();
  }

  return {
    of(deployment, endpoint, now) {
      if (deployment.settings.secrets === undefined) return {};
      const entry = known.get(deployment.id);
      if (entry === undefined || (entry.until !== undefined && entry.until <= now)) void fetch(deployment, endpoint);
      return entry?.wish ?? 'fetching';
    },
    isDue: (now) => known.values().some(({ until }) => until !== undefined && until <= now),
    keep(states) {
      if (known.size === 0) return;
      const present = new Set([...states()].flatMap(({ deployments }) => deployments.map(({ id }) => id)));
      for (const id of known.keys()) if (!present.has(id)) known.delete(id);
    },
    stop,
  };
}

function refusalOf(thrown: unknown): Problem {
  const error = toMusterError(thrown);
  if (error.code !== 'internal_error') return toProblem(error);
  return toProblem(new MusterError('secret_unreadable', 'its secrets cannot be had at present', { cause: thrown }));
}

function isSame(a: SecretsWish | undefined, b: SecretsWish): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
