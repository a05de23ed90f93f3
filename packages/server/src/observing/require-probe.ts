import { MusterError } from '@muster-ml/protocol';
import { type ProbeRules, entryOf, isAllowedHost, isPublicAddress } from './probe-address.ts';

/**
 * Throws `probe_not_allowed` unless an address may be looked at, as far as it says so itself: where a name leads to is
 * checked at each look. `place` names the input.
 */
export function requireProbe(probe: string | null | undefined, rules: ProbeRules, place: string): void {
  if (probe === null || probe === undefined) return;
  const url = new URL(probe);
  const entry = entryOf(url);
  if (!isAllowedHost(url, rules.allowedHosts))
    throw new MusterError('probe_not_allowed', `${entry} is not in observing.allowedHosts`, {
      place,
      remedy: `Leave the probe out, or ask whoever runs Muster to list ${entry} in observing.allowedHosts.`,
    });
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!rules.allowPrivate && /^[\d.]+$|:/.test(host) && !isPublicAddress(host))
    throw new MusterError('probe_not_allowed', `${host} is no public address`, {
      place,
      remedy: 'Leave the probe out, or ask whoever runs Muster to set observing.allowPrivate.',
    });
}
