import type { Holder, Target } from './oracle.ts';
import { type Names, type Owners, type Sample, type Samples, type Step, ofInstallation, refused } from './sample.ts';

const inTeam = ({ team }: Names): Target => ({ kind: 'team', team });
const serviceOf = ({ team }: Names, { service }: Owners): Target => ({ kind: 'actor', team, owner: service });
const endpointOf = ({ team, endpoint }: Names): Target => ({ kind: 'endpoint', team, endpoint });
const hiddenActor = { status: 404, code: 'actor_not_found' } as const;
const hiddenTeam = { status: 404, code: 'team_not_found' } as const;
const hiddenEndpoint = { status: 404, code: 'endpoint_not_found' } as const;
const nobodyYet = { status: 404, code: 'role_not_held' } as const;

/** What is about the caller: nothing is hidden, but a limited token may not reach it. */
const ownToken = (holder: Holder): Target => ({ kind: 'token', owner: holder.id });

const explain = (about: (names: Names) => string, team: (names: Names) => string | undefined): Sample => ({
  request: (names) => ({ query: { actor: names.service, action: 'endpoint.predict', resource: about(names) } }),
  steps: (names) => [
    { action: 'access.explain', target: { kind: 'installation', team: team(names) }, hidden: refused },
  ],
});

const teamRole = (role: string, action: 'grant' | 'revoke'): Sample => ({
  request: (names, owners) => ({ params: { team: names.team, actor: owners.viewer, role } }),
  steps: (names, owners) => [
    {
      action: 'role.set',
      target: { ...inTeam(names), ...(action === 'grant' ? { owner: owners.viewer } : {}) },
      hidden: hiddenTeam,
    },
  ],
  hides: 'team',
});

const onEndpoint =
  (action: 'access.read' | 'access.set') =>
  (names: Names): readonly Step[] => [{ action, target: endpointOf(names), hidden: hiddenEndpoint }];

/** Samples of the routes of who asks and what they may do. */
export const identitySamples: Samples<
  | 'whoami'
  | 'actorList'
  | 'actorCreate'
  | 'actorGet'
  | 'actorUpdate'
  | 'platformRoleGrant'
  | 'platformRoleRevoke'
  | 'teamList'
  | 'teamCreate'
  | 'teamGet'
  | 'teamUpdate'
  | 'memberList'
  | 'roleGrant'
  | 'roleRevoke'
  | 'tokenList'
  | 'tokenCreate'
  | 'tokenRevoke'
  | 'tokenReport'
  | 'accessExplain'
  | 'accessList'
  | 'accessSet'
  | 'accessEnd'
> = {
  whoami: [
    {
      request: () => ({}),
      steps: (_names, _owners, holder) => [{ action: 'self.read', target: { kind: 'actor', owner: holder.id } }],
    },
  ],
  actorList: [
    {
      request: () => ({ query: { limit: '1000' } }),
      steps: () => [{ action: 'actor.read' }],
      list: {
        keyOf: (actor: { readonly id: string }) => actor.id,
        all: ({ actors }) => actors.map(({ id, team }) => ({ key: id, target: { kind: 'actor', team, owner: id } })),
      },
    },
  ],
  actorCreate: [
    {
      request: (names) => ({ body: { name: names.service, kind: 'service', team: names.team } }),
      steps: (names) => [
        { action: 'team.read', target: inTeam(names), hidden: hiddenTeam },
        { action: 'actor.create', target: { kind: 'actor', team: names.team }, hidden: refused },
      ],
      allowed: [{ status: 409, code: 'actor_exists' }],
      hides: 'team',
    },
    {
      request: (names) => ({ body: { name: names.service } }),
      steps: () => [{ action: 'actor.create', target: { kind: 'actor' }, hidden: refused }],
      allowed: [{ status: 409, code: 'actor_exists' }],
    },
  ],
  actorGet: [
    {
      request: ({ service }) => ({ params: { actor: service } }),
      steps: (names, owners) => [{ action: 'actor.read', target: serviceOf(names, owners), hidden: hiddenActor }],
      hides: 'service',
    },
    {
      request: (_names, { admin }) => ({ params: { actor: admin } }),
      steps: (_names, { admin }) => [
        { action: 'actor.read', target: { kind: 'actor', owner: admin }, hidden: hiddenActor },
      ],
    },
  ],
  actorUpdate: [
    {
      request: ({ service }) => ({ params: { actor: service }, body: {} }),
      steps: (names, owners) => [{ action: 'actor.update', target: serviceOf(names, owners), hidden: hiddenActor }],
      hides: 'service',
    },
  ],
  platformRoleGrant: [
    {
      request: (_names, { auditor }) => ({ params: { actor: auditor, role: 'auditor' } }),
      steps: (_names, { auditor }) => [
        { action: 'role.set', target: { ...ofInstallation, owner: auditor }, hidden: refused },
      ],
    },
    {
      // Nobody gives a role to themselves.
      request: (_names, _owners, holder) => ({ params: { actor: holder.id, role: 'auditor' } }),
      steps: (_names, _owners, holder) => [
        { action: 'role.set', target: { ...ofInstallation, owner: holder.id }, hidden: refused },
      ],
    },
  ],
  platformRoleRevoke: [
    {
      request: (_names, { viewer }) => ({ params: { actor: viewer, role: 'auditor' } }),
      steps: () => [{ action: 'role.set', target: ofInstallation, hidden: refused }],
      allowed: [nobodyYet],
    },
  ],
  teamList: [
    {
      request: () => ({ query: { limit: '1000' } }),
      steps: () => [{ action: 'team.read' }],
      list: {
        keyOf: (team: { readonly name: string }) => team.name,
        all: ({ teams }) => teams.map((name) => ({ key: name, target: { kind: 'team', team: name } })),
      },
    },
  ],
  teamCreate: [
    {
      request: ({ team }) => ({ body: { name: team } }),
      steps: () => [{ action: 'team.create', target: { kind: 'team' }, hidden: refused }],
      allowed: [{ status: 409, code: 'team_exists' }],
    },
  ],
  teamGet: [
    {
      request: ({ team }) => ({ params: { team } }),
      steps: (names) => [{ action: 'team.read', target: inTeam(names), hidden: hiddenTeam }],
      hides: 'team',
    },
  ],
  teamUpdate: [
    {
      request: ({ team }) => ({ params: { team }, body: { description: '' } }),
      steps: (names) => [{ action: 'team.update', target: inTeam(names), hidden: hiddenTeam }],
      hides: 'team',
    },
  ],
  memberList: [
    {
      request: ({ team }) => ({ params: { team } }),
      steps: (names) => [{ action: 'team.read', target: inTeam(names), hidden: hiddenTeam }],
      hides: 'team',
    },
  ],
  roleGrant: [
    teamRole('viewer', 'grant'),
    {
      request: ({ team }, _owners, holder) => ({ params: { team, actor: holder.id, role: 'operator' } }),
      steps: (names, _owners, holder) => [
        { action: 'role.set', target: { ...inTeam(names), owner: holder.id }, hidden: hiddenTeam },
      ],
    },
  ],
  roleRevoke: [{ ...teamRole('data-owner', 'revoke'), allowed: [nobodyYet] }],
  tokenList: [
    {
      request: () => ({}),
      steps: (_names, _owners, holder) => [{ action: 'token.read', target: ownToken(holder), hidden: refused }],
    },
    {
      request: ({ service }) => ({ query: { actor: service } }),
      steps: (names, owners) => [
        { action: 'actor.read', target: serviceOf(names, owners), hidden: hiddenActor },
        { action: 'token.read', target: { ...serviceOf(names, owners), kind: 'token' }, hidden: refused },
      ],
      hides: 'service',
    },
  ],
  tokenCreate: [
    {
      request: () => ({ body: { expiresInDays: 1, actions: ['self.read'] } }),
      steps: (_names, _owners, holder) => [{ action: 'token.create', target: ownToken(holder), hidden: refused }],
    },
    {
      request: ({ service }) => ({ body: { actor: service, expiresInDays: 1, actions: ['self.read'] } }),
      steps: (names, owners) => [
        { action: 'actor.read', target: serviceOf(names, owners), hidden: hiddenActor },
        { action: 'token.create', target: { ...serviceOf(names, owners), kind: 'token' }, hidden: refused },
      ],
      hides: 'service',
    },
  ],
  tokenRevoke: [
    {
      // It was ended before: ending it again changes nothing.
      request: ({ serviceToken }) => ({ params: { token: serviceToken } }),
      steps: (names, owners) => [
        {
          action: 'token.revoke',
          target: { ...serviceOf(names, owners), kind: 'token' },
          hidden: { status: 404, code: 'token_not_found' },
        },
      ],
      hides: 'serviceToken',
    },
  ],
  tokenReport: [
    {
      request: () => ({ body: { token: 'mstp_nobody' } }),
      steps: () => [{ action: 'token.report', target: ofInstallation, hidden: refused }],
    },
  ],
  accessExplain: [
    explain(
      ({ endpoint }) => `endpoint/${endpoint}`,
      ({ team }) => team,
    ),
    explain(
      () => 'installation',
      () => undefined,
    ),
  ],
  accessList: [
    {
      request: ({ endpoint }) => ({ params: { endpoint } }),
      steps: onEndpoint('access.read'),
      hides: 'endpoint',
    },
  ],
  accessSet: [
    {
      request: ({ endpoint }, { service }) => ({
        params: { endpoint, subjectKind: 'actor', subject: service },
        body: { ratePerSecond: 1000 },
      }),
      steps: onEndpoint('access.set'),
      hides: 'endpoint',
    },
  ],
  accessEnd: [
    {
      request: ({ endpoint }, { admin }) => ({ params: { endpoint, subjectKind: 'actor', subject: admin } }),
      steps: onEndpoint('access.set'),
      allowed: [{ status: 404, code: 'access_not_found' }],
      hides: 'endpoint',
    },
  ],
};
