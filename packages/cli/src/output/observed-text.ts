import type { Observed } from '@muster-ml/protocol';

/** How the last look at a probe ended, in a word or two; `-` where there is no probe. */
export function probeText(probe: Observed['probe']): string {
  if (probe === null) return '-';
  if (probe.ok === null) return 'not looked yet';
  return probe.ok ? 'ok' : 'failing';
}

/** `1,200 requests, 0.5 % errors`; `-` where nobody reported. */
export function observationText(observation: Observed['observation']): string {
  if (observation === null) return '-';
  const { requests, errors } = observation;
  const share = requests === 0 ? '' : `, ${Number(((errors / requests) * 100).toPrecision(2))} % errors`;
  return `${requests.toLocaleString('en-GB')} ${requests === 1 ? 'request' : 'requests'}${share}`;
}
