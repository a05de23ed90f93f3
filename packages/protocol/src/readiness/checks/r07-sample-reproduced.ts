import type { Check } from '../check.ts';
import { endpointName, newVersionCommand, shellWord, versionName } from './names.ts';

export const r07: Check = {
  id: 'R07',
  title: 'The sample is reproduced here',
  why: 'The same file answers differently with other libraries or another processor, and nothing says so by itself.',
  level: 'bronze',
  evidence: 'each replica gave the answers of the sample when it was loaded, in the environment of now',
  collected: 'platform',
  fresh: { kind: 'live' },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: true,
  remedy: 'muster deploy MODEL:VERSION --name ENDPOINT',

  judge(facts) {
    const { version, deployment } = facts;
    if (version === null) return { state: 'unknown', summary: 'there is no version yet that could be tried' };
    const name = versionName(version);
    if (!version.hasSample)
      return {
        state: 'missing',
        summary: `${name} came without a sample that could be reproduced`,
        remedy: newVersionCommand(facts, ' --sample rows.csv'),
      };
    if (deployment?.problem)
      return {
        state: 'failed',
        summary: `${name} is not ready (${deployment.problem.code}): ${deployment.problem.detail}`,
        remedy:
          deployment.problem.code === 'sample_differs'
            ? newVersionCommand(facts, ' --sample rows.csv')
            : `muster endpoint logs ${endpointName(facts)}`,
      };
    if (deployment === null)
      return {
        state: 'unknown',
        summary: `${name} is not deployed yet, so nothing has loaded it here`,
        remedy:
          version.number === null
            ? `muster deploy FILE --name ${endpointName(facts)} --sample rows.csv`
            : `muster deploy ${shellWord(name)} --name ${endpointName(facts)}`,
      };
    if (deployment.sampleProvenAt === null)
      return {
        state: 'missing',
        summary: `not every replica of ${name} has given the answers of the sample yet`,
        remedy: `muster endpoint restart ${endpointName(facts)}`,
      };
    return {
      state: 'passed',
      summary: `every replica of ${name} gave the answers of the sample`,
      at: deployment.sampleProvenAt,
    };
  },
};
