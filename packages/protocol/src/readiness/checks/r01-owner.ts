import { type Check, dayMs } from '../check.ts';

const days = 180;

export const r01: Check = {
  id: 'R01',
  title: 'Somebody owns it',
  why: 'A model that nobody answers for is found out about when it fails.',
  level: 'bronze',
  evidence: 'the owner is a person, is not disabled, holds a role in the team, and was here within 180 days',
  collected: 'platform',
  fresh: { kind: 'live' },
  appliesTo: ['served', 'observed'],
  waivable: false,
  remedy: 'muster endpoint update ENDPOINT --owner NAME',

  judge({ endpoint, owner, now }) {
    const remedy = `muster endpoint update ${endpoint?.name ?? 'ENDPOINT'} --owner NAME`;
    if (endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet whose owner could be known' };
    if (owner === null) return { state: 'missing', summary: 'nobody owns it', remedy };
    const failed = (why: string) => ({ state: 'failed', summary: `its owner ${owner.name} ${why}`, remedy }) as const;
    if (!owner.isPerson) return failed('is a service account: an owner is a person');
    if (!owner.isActive) return failed('is disabled');
    if (!owner.isMember) return failed(`holds no role in ${endpoint.team} any more`);
    if (owner.seenAt === null || now - owner.seenAt >= days * dayMs)
      return { state: 'stale', summary: `its owner ${owner.name} was not here for ${days} days`, remedy };
    return {
      state: 'passed',
      summary: `${owner.name} owns it`,
      at: owner.seenAt,
      until: owner.seenAt + days * dayMs,
    };
  },
};
