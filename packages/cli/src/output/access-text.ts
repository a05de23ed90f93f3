import type { AccessRule } from '@muster-ml/protocol';
import { rateText } from '../units/rate.ts';

/** The limits of an access rule in a line, such as `10/s, 5000 a day`; `without limit` where there is none. */
export function accessLimitsText({
  ratePerSecond,
  requestsPerDay,
}: Pick<AccessRule, 'ratePerSecond' | 'requestsPerDay'>): string {
  const limits = [
    ...(ratePerSecond === null ? [] : [rateText(ratePerSecond)]),
    ...(requestsPerDay === null ? [] : [`${requestsPerDay} a day`]),
  ];
  return limits.join(', ') || 'without limit';
}
