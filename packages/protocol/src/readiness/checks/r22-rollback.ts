import type { Check } from '../check.ts';
import { judgeDated } from '../dated-evidence.ts';
import { endpointName } from './names.ts';

const days = 90;

export const r22: Check = {
  id: 'R22',
  title: 'The way back was tried',
  why: 'A way back that nobody ever took is a hope, and it is needed when there is no time to try.',
  level: 'silver',
  evidence: 'a rollback drill went back and forth on the real deployment, within 90 days',
  collected: 'drill',
  fresh: { kind: 'days', days },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: true,
  remedy: 'muster drill rollback ENDPOINT',

  judge(facts) {
    if (facts.endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet that could go back' };
    return judgeDated(facts, {
      check: 'R22',
      source: 'drill',
      days,
      missing: 'nobody tried to go back to another version',
      remedy: `muster drill rollback ${endpointName(facts)}`,
    });
  },
};
