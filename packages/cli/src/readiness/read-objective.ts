import { type Objective, objectiveSchema } from '@muster-ml/protocol';
import { readDuration } from '../units/duration.ts';
import { UsageError } from '../usage-error.ts';

const example = 'p95<200ms@20rps,errors<1%';
const latency = /^p(\d+)<(\d+(?:\.\d+)?\s?[a-z]+)(?:@(\d+(?:\.\d+)?)rps)?$/;
const errors = /^errors<(\d+(?:\.\d+)?)%$/;

/**
 * The objective of `p95<200ms@20rps,errors<1%`: the 95th percentile of the latency stays below 200 ms at 20 requests a second,
 * and less than one in a hundred fails. Rate and errors may be left out; `none` takes the objective away. Throws `UsageError`.
 */
export function readObjective(flag: string, text: string): Objective | null {
  if (text.trim() === 'none') return null;
  const parts = text.replaceAll(' ', '').toLowerCase().split(',');
  const [, percentile, latencyText, rate] = latency.exec(parts[0] ?? '') ?? [];
  const [, errorPercent] = errors.exec(parts[1] ?? '') ?? [];
  if (percentile === undefined || latencyText === undefined || (parts.length > 1 && errorPercent === undefined))
    throw notRead(flag, text, `Write \`${flag} "${example}"\`, or none.`);
  if (parts.length > 2) throw notRead(flag, text, `Leave out what follows the errors: \`${flag} "${example}"\`.`);
  const checked = objectiveSchema.safeParse({
    latencyMs: readDuration(flag, latencyText),
    percentile: Number(percentile),
    ...(rate === undefined ? {} : { requestsPerSecond: Number(rate) }),
    ...(errorPercent === undefined ? {} : { errorPercent: Number(errorPercent) }),
  });
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw notRead(
    flag,
    text,
    `${issue?.path.join('.') ?? 'it'}: ${issue?.message ?? ''}; write \`${flag} "${example}"\`.`,
  );
}

/** As `readObjective` reads it. */
export function objectiveText({ percentile, latencyMs, requestsPerSecond, errorPercent }: Objective): string {
  return `p${percentile}<${latencyMs}ms@${requestsPerSecond}rps,errors<${errorPercent}%`;
}

function notRead(flag: string, text: string, remedy: string): UsageError {
  return new UsageError(`\`${text}\` is no objective`, remedy, flag);
}
