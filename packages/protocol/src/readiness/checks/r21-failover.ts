import type { Check } from '../check.ts';
import { judgeDated } from '../dated-evidence.ts';
import { endpointName } from './names.ts';

const days = 90;

export const r21: Check = {
  id: 'R21',
  title: 'It survives a crash and a roll-out',
  why: 'Processes die and versions change while people call; whoever calls must not notice.',
  level: 'silver',
  evidence: 'a failover drill ended a runner and rolled out under load without an answer lost, within 90 days',
  collected: 'drill',
  fresh: { kind: 'days', days },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: true,
  remedy: 'muster drill failover ENDPOINT',

  judge(facts) {
    if (facts.endpoint === null)
      return { state: 'unknown', summary: 'there is no endpoint yet whose runner could die' };
    return judgeDated(facts, {
      check: 'R21',
      source: 'drill',
      days,
      missing: 'it was not tried whether it survives the death of a runner and a roll-out',
      remedy: `muster drill failover ${endpointName(facts)}`,
    });
  },
};
