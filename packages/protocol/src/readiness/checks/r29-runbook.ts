import type { Check } from '../check.ts';
import { attestCommand, judgeDated, newestEvidence } from '../dated-evidence.ts';
import { endpointName } from './names.ts';

const days = 180;

export const r29: Check = {
  id: 'R29',
  title: 'The runbook is there and was read',
  why: 'Whoever is called at night did not make it, and needs to know what to do.',
  level: 'silver',
  evidence: 'a person opened the runbook that the endpoint names now, and signed for it, within 180 days',
  collected: 'person',
  fresh: { kind: 'days', days },
  appliesTo: ['served', 'observed'],
  waivable: true,
  remedy: 'muster evidence attest ENDPOINT R29 --statement TEXT',

  judge(facts) {
    if (facts.endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet that could have one' };
    const { runbook } = facts.endpoint;
    if (runbook === null)
      return {
        state: 'missing',
        summary: 'it names no runbook',
        remedy: `muster endpoint update ${endpointName(facts)} --runbook URL`,
      };
    const remedy = attestCommand(facts, 'R29');
    const outcome = judgeDated(facts, {
      check: 'R29',
      source: 'person',
      days,
      missing: `nobody signed for having read ${runbook}`,
      remedy,
    });
    if (outcome.state !== 'passed' || newestEvidence(facts, 'R29', 'person')?.figures['runbook'] === runbook)
      return outcome;
    return { ...outcome, state: 'stale', summary: `what was read is not ${runbook}, which it names now`, remedy };
  },
};
