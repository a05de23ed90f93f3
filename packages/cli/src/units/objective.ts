import { type Objective, objectiveSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';
import { readDuration } from './duration.ts';

const example = 'p95<200ms@20rps,errors<1%';

/**
 * An objective such as `p95<200ms@20rps,errors<1%`: which percentile of the latency stays below what, under which load,
 * with how many errors. Load and errors may be left out. Throws `UsageError`, which names the part that is wrong.
 */
export function readObjective(flag: string, text: string): Objective {
  const [latency = '', ...others] = text.split(',').map((part) => part.trim());
  const [bound = '', load, ...more] = latency.split('@');
  const [, percentile = '', limit = ''] = /^p(\d+)<(.*)$/.exec(bound.replaceAll(' ', '')) ?? [];
  if (percentile === '' || more.length > 0)
    throw new UsageError(`\`${latency}\` does not say how fast it is to be`, `Write \`${flag} "${example}"\`.`, flag);
  if (others.length > 1)
    throw new UsageError(`\`${others[1]}\` is one part too many`, `Write \`${flag} "${example}"\`.`, flag);
  const [errors] = others;
  const wish = {
    percentile: Number(percentile),
    latencyMs: readDuration(flag, limit),
    ...(load === undefined ? {} : { requestsPerSecond: readLoad(flag, load.trim()) }),
    ...(errors === undefined ? {} : { errorPercent: readErrors(flag, errors.replaceAll(' ', '')) }),
  };
  const { data, error } = objectiveSchema.safeParse(wish);
  if (data !== undefined) return data;
  const [issue] = error.issues;
  throw new UsageError(
    `the ${partNames[String(issue?.path[0])] ?? 'objective'} of \`${text}\` ${issueText(issue?.message)}`,
    `Write \`${flag} "${example}"\`.`,
    flag,
  );
}

/** An objective as `readObjective` reads it. */
export function objectiveText({ percentile, latencyMs, requestsPerSecond, errorPercent }: Objective): string {
  return `p${percentile}<${latencyMs}ms@${requestsPerSecond}rps,errors<${errorPercent}%`;
}

const partNames: Readonly<Record<string, string>> = {
  percentile: 'percentile',
  latencyMs: 'latency',
  requestsPerSecond: 'load',
  errorPercent: 'share of errors',
};

function issueText(message = 'is not possible'): string {
  return message.startsWith('must') ? message : `is not possible: ${message}`;
}

function readLoad(flag: string, text: string): number {
  const [, digits = ''] = /^(\d+(?:\.\d+)?)(?:rps|\/s)$/.exec(text) ?? [];
  if (digits !== '') return Number(digits);
  const meant = /^\d+(\.\d+)?/.exec(text)?.[0] ?? '20';
  throw new UsageError(`\`@${text}\` is no load`, `Write \`@${meant}rps\`: requests per second.`, flag);
}

function readErrors(flag: string, text: string): number {
  const [, digits = ''] = /^errors<(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (digits !== '') return Number(digits);
  const meant = /\d+(\.\d+)?/.exec(text)?.[0] ?? '1';
  throw new UsageError(`\`${text}\` does not say how many errors`, `Write \`errors<${meant}%\`.`, flag);
}
