import { type Check, dayMs } from '../check.ts';
import type { AccessFacts } from '../facts.ts';
import { endpointName } from './names.ts';

const days = 90;

export const r31: Check = {
  id: 'R31',
  title: 'Only those may call it who do',
  why: 'A right that nobody uses is used by whoever finds it.',
  level: 'silver',
  evidence: 'each access rule lets in somebody who is still there, and was used within 90 days',
  collected: 'platform',
  fresh: { kind: 'live' },
  appliesTo: ['served', 'observed'],
  attestedWhereObserved: true,
  waivable: false,
  remedy: 'muster access revoke ENDPOINT NAME',

  judge(facts) {
    if (facts.endpoint === null) return { state: 'unknown', summary: 'there is no endpoint yet that could be called' };
    // What has expired lets nobody in.
    const rules = facts.access.filter(({ expiresAt }) => expiresAt === null || facts.now < expiresAt);
    const revoke = (rule: AccessFacts) =>
      `muster access revoke ${endpointName(facts)} ${rule.subjectKind === 'team' ? '--team ' : ''}${rule.subject}`;
    const dead = rules.find(({ isAlive }) => !isAlive);
    if (dead !== undefined)
      return {
        state: 'failed',
        summary:
          dead.subjectKind === 'team'
            ? `the team ${dead.subject} may call it and has no members`
            : `${dead.subject} may call it and is disabled`,
        remedy: revoke(dead),
      };
    const unusedSince = (rule: AccessFacts) => Math.max(rule.usedAt ?? rule.createdAt, rule.createdAt);
    const unused = rules.find((rule) => facts.now - unusedSince(rule) >= days * dayMs);
    if (unused !== undefined)
      return {
        state: 'failed',
        summary: `${unused.subject} may call it and did not for ${days} days`,
        at: unusedSince(unused),
        remedy: revoke(unused),
      };
    const first = rules.length === 0 ? undefined : Math.min(...rules.map(unusedSince));
    return {
      state: 'passed',
      summary:
        rules.length === 0
          ? 'only its own team may call it'
          : `${rules.length} access ${rules.length === 1 ? 'rule' : 'rules'}, each in use`,
      until: first === undefined ? undefined : first + days * dayMs,
    };
  },
};
