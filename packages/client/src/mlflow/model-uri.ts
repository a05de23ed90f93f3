import { MusterError } from '@muster-ml/protocol';

/** Which model of an MLflow server is meant, as its clients write it. */
export type ModelUri =
  | { readonly kind: 'version'; readonly model: string; readonly version: string }
  | { readonly kind: 'alias'; readonly model: string; readonly alias: string }
  /** A stage of the older registry, such as `Production`, or `latest`. */
  | { readonly kind: 'stage'; readonly model: string; readonly stage: string }
  /** A logged model of MLflow 3: `models:/m-0123…`. */
  | { readonly kind: 'logged'; readonly id: string }
  | { readonly kind: 'run'; readonly run: string; readonly path: string };

/**
 * Reads `models:/churn/3`, `models:/churn@champion`, `models:/churn/Production`, `models:/churn/latest`,
 * `models:/m-0123…` and `runs:/<run>/<path>`. Throws `invalid_request` with what can be written.
 */
export function readModelUri(text: string): ModelUri {
  const run = /^runs:\/([^/]+)\/(.+)$/.exec(text);
  if (run?.[1] !== undefined && run[2] !== undefined)
    return { kind: 'run', run: run[1], path: run[2].replace(/\/+$/, '') };
  const logged = /^models:\/(m-[0-9a-f]{32})$/.exec(text);
  if (logged?.[1] !== undefined) return { kind: 'logged', id: logged[1] };
  const alias = /^models:\/([^/@]+)@([\w-]+)$/.exec(text);
  if (alias?.[1] !== undefined && alias[2] !== undefined)
    return { kind: 'alias', model: decoded(alias[1]), alias: alias[2] };
  const named = /^models:\/([^/@]+)\/([^/]+)$/.exec(text);
  if (named?.[1] !== undefined && named[2] !== undefined)
    return /^\d+$/.test(named[2])
      ? { kind: 'version', model: decoded(named[1]), version: named[2] }
      : { kind: 'stage', model: decoded(named[1]), stage: named[2] };
  throw new MusterError('invalid_request', `${text} names no model of an MLflow server`, {
    remedy: 'Write models:/churn@champion, models:/churn/3, models:/churn/Production or runs:/RUN/model.',
  });
}

/** A name may be percent-encoded; one that is not keeps its percent signs. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
