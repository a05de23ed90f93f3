import type { Check } from '../check.ts';

export const r02: Check = {
  id: 'R02',
  title: 'It has an accepted use case',
  why: 'A model that no accepted use case asks for changes no decision, and nobody can say what it is worth.',
  level: 'bronze',
  evidence: 'the endpoint belongs to a use case that is accepted',
  collected: 'platform',
  fresh: { kind: 'live' },
  appliesTo: ['served', 'observed'],
  waivable: true,
  remedy: 'muster endpoint update ENDPOINT --use-case NAME',

  judge({ endpoint, useCase }) {
    const choose = `muster endpoint update ${endpoint?.name ?? 'ENDPOINT'} --use-case NAME`;
    if (useCase === null)
      return endpoint === null
        ? { state: 'unknown', summary: 'there is no endpoint yet that could belong to a use case' }
        : { state: 'missing', summary: 'it belongs to no use case', remedy: choose };
    const { name, state, riskTier, decidedAt } = useCase;
    switch (state) {
      case 'proposed':
        return {
          state: 'missing',
          summary: `its use case ${name} is not decided yet`,
          remedy: `muster usecase review ${name}`,
        };
      case 'declined':
      case 'retired':
        return {
          state: 'failed',
          summary: `its use case ${name} is ${state}`,
          at: decidedAt ?? undefined,
          remedy: choose,
        };
      case 'accepted':
      case 'live':
        return {
          state: 'passed',
          summary: `${name} is accepted${riskTier === null ? '' : `, at ${riskTier} risk`}`,
          at: decidedAt ?? undefined,
        };
    }
  },
};
