import type { Objective } from '../../management/endpoints.ts';
import type { Check } from '../check.ts';
import { judgeDated, newestEvidence } from '../dated-evidence.ts';
import type { EvidenceFacts } from '../facts.ts';
import { endpointName } from './names.ts';

const days = 90;

export const r20: Check = {
  id: 'R20',
  title: 'It keeps its objective under load',
  why: 'How fast something answers alone says nothing of how it answers when many ask.',
  level: 'silver',
  evidence: 'a load drill of the real deployment kept the objective of the endpoint, within 90 days',
  collected: 'drill',
  fresh: { kind: 'days', days },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: true,
  remedy: 'muster drill load ENDPOINT',

  judge(facts) {
    const name = endpointName(facts);
    if (facts.endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet that could be loaded' };
    const { objective } = facts.endpoint;
    if (objective === null)
      return {
        state: 'missing',
        summary: 'it has no objective that a load test could be held against',
        remedy: `muster endpoint update ${name} --objective "p95<200ms@20rps,errors<1%"`,
      };
    const remedy = `muster drill load ${name}`;
    const outcome = judgeDated(facts, {
      check: 'R20',
      source: 'drill',
      days,
      missing: 'no load test was done',
      remedy,
    });
    const found = newestEvidence(facts, 'R20', 'drill');
    if (outcome.state !== 'passed' || found === undefined) return outcome;
    const looser = looserThan(objective, found.figures);
    if (looser === undefined) return outcome;
    return {
      state: 'failed',
      summary: `it was tested against a looser objective than now: ${looser}`,
      at: found.at,
      evidence: found.id,
      remedy,
    };
  },
};

/** In what the test was easier than the objective of now; undefined where it was not. A figure that is missing proves nothing. */
function looserThan(objective: Objective, figures: EvidenceFacts['figures']): string | undefined {
  const figure = (name: string, ifMissing: number) => {
    const value = figures[name];
    return typeof value === 'number' && Number.isFinite(value) ? value : ifMissing;
  };
  const latencyMs = figure('objectiveLatencyMs', Infinity);
  const percentile = figure('objectivePercentile', 0);
  const rate = figure('objectiveRequestsPerSecond', 0);
  const errors = figure('objectiveErrorPercent', Infinity);
  const differences = [
    ...(latencyMs > objective.latencyMs ? [`${told(latencyMs)} ms instead of ${objective.latencyMs} ms`] : []),
    ...(percentile < objective.percentile ? [`p${percentile} instead of p${objective.percentile}`] : []),
    ...(rate < objective.requestsPerSecond
      ? [`${rate} instead of ${objective.requestsPerSecond} requests per second`]
      : []),
    ...(errors > objective.errorPercent ? [`${told(errors)} % errors instead of ${objective.errorPercent} %`] : []),
  ];
  return differences.length === 0 ? undefined : differences.join(', ');
}

function told(figure: number): string {
  return figure === Infinity ? 'any number of' : String(figure);
}
