import type { Check } from '../check.ts';
import type { ComparisonFacts, Facts } from '../facts.ts';
import { endpointName, newVersionCommand, shellWord, versionName } from './names.ts';

/** What may fail where the endpoint has no objective. */
const defaultErrorPercent = 1;

export const r23: Check = {
  id: 'R23',
  title: 'It was canary or shadow before',
  why: 'Real requests hold what no test had, and a share of them, or copies, hurt few.',
  level: 'silver',
  evidence: 'the version answered requests as canary, or got copies as shadow, with errors within the objective',
  collected: 'platform',
  fresh: { kind: 'version' },
  appliesTo: ['served'],
  waivable: true,
  remedy: 'muster deploy MODEL:VERSION --name ENDPOINT --canary 10%',

  judge(facts) {
    const { version, endpoint } = facts;
    if (endpoint === null || version === null)
      return { state: 'unknown', summary: 'there is no version under an endpoint yet' };
    if (facts.isFirstVersion)
      return { state: 'not-applicable', summary: 'it is the first version here: there was nothing to compare it with' };
    const name = versionName(version);
    const running = facts.comparisons.find(({ until }) => until === null);
    const remedy =
      running === undefined
        ? `muster deploy ${shellWord(name)} --name ${endpointName(facts)} --canary 10%`
        : `muster predict ${endpointName(facts)}`;
    const counted = facts.comparisons.filter(({ requests }) => requests !== null && requests > 0);
    const best = counted.find((comparison) => isWithin(comparison, facts)) ?? counted.at(-1);
    if (best === undefined)
      return {
        state: 'missing',
        summary:
          facts.comparisons.length === 0
            ? `${name} was neither canary nor shadow here`
            : `${name} was ${facts.comparisons.at(-1)?.role ?? 'canary'} here, and no request was counted in that time`,
        remedy,
      };
    const at = best.until ?? best.from;
    const summary = `${name} had ${best.requests} requests as ${best.role}, ${best.errors ?? 'an unknown number'} of them failed`;
    if (!isWithin(best, facts))
      return {
        state: 'failed',
        summary: `${summary}; at most ${errorPercent(facts)} % may`,
        at,
        remedy: newVersionCommand(facts, ' --canary 10%'),
      };
    return { state: 'passed', summary, at };
  },
};

function errorPercent({ endpoint }: Facts): number {
  return endpoint?.objective?.errorPercent ?? defaultErrorPercent;
}

/** Errors that were not counted are not within anything. */
function isWithin({ requests, errors }: ComparisonFacts, facts: Facts): boolean {
  if (requests === null || requests === 0 || errors === null) return false;
  return errors * 100 <= requests * errorPercent(facts);
}
