import type { Endpoint, FleetEndpoint } from '@muster-ml/protocol';
import type { Terminal } from './terminal.ts';

/** Only what is in production is green; deployed is not in production. */
export function paintStanding(
  { paint }: Terminal,
  standing: Endpoint['standing'] | FleetEndpoint['standing'],
): (text: string) => string {
  switch (standing) {
    case 'in production':
      return paint.green;
    case 'lapsed':
      return paint.red;
    case 'stopped':
    case 'not deployed':
      return paint.yellow;
    case 'deployed':
    case 'observed':
      return (text) => text;
  }
}
