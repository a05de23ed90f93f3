import { UsageError } from '../usage-error.ts';

/** Cores as a number, such as `0.5`. Throws `UsageError`, also for Kubernetes' millicores. */
export function readCores(flag: string, text: string): number {
  const millicores = /^(\d+)m$/.exec(text);
  if (millicores !== null) throw new UsageError('CPU is in cores', `Write \`${Number(millicores[1]) / 1000}\`.`, flag);
  if (!/^\d+(\.\d+)?$/.test(text) || Number(text) === 0)
    throw new UsageError(`\`${text}\` is no number of cores`, 'Write `0.5` or `2`.', flag);
  return Number(text);
}
