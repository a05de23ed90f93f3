import { type Client, type CallOptions, createClient } from '@muster-ml/client';
import { type PlatformRole, type Role, platformRoles, roles } from '@muster-ml/protocol';
import type { Holder } from './oracle.ts';

type TokenBody = NonNullable<CallOptions<'tokenCreate'>['body']>;

interface Wish {
  readonly title: string;
  readonly kind?: 'person' | 'service';
  readonly teams?: Readonly<Record<string, readonly Role[]>>;
  readonly platformRoles?: readonly PlatformRole[];
  readonly granted?: readonly string[];
  readonly limits?: Pick<TokenBody, 'actions' | 'resources'>;
}

/** Makes somebody who holds this, with a token, as an admin would. */
export async function makeHolder(admin: Client, name: string, wish: Wish): Promise<Holder> {
  const kind = wish.kind ?? 'person';
  const { id } = await admin.call('actorCreate', {
    body: kind === 'person' ? { name, kind } : { name, kind, team: 'own' },
  });
  const held = Object.entries(wish.teams ?? {}).flatMap(([team, all]) => all.map((role) => ({ team, role })));
  for (const { team, role } of held) await admin.call('roleGrant', { params: { team, actor: id, role } });
  for (const role of wish.platformRoles ?? []) await admin.call('platformRoleGrant', { params: { actor: id, role } });
  for (const endpoint of wish.granted ?? [])
    await admin.call('accessSet', { params: { endpoint, subjectKind: 'actor', subject: id }, body: {} });
  const { token } = await admin.call('tokenCreate', { body: { actor: id, expiresInDays: 1, ...wish.limits } });
  return {
    title: wish.title,
    id,
    kind,
    teams: wish.teams ?? {},
    platformRoles: wish.platformRoles ?? [],
    granted: wish.granted ?? [],
    actions: wish.limits?.actions,
    resources: wish.limits?.resources,
    token,
  };
}

/** One holder of each role in each team and for the installation, and those that are special. */
export async function makeHolders(admin: Client): Promise<readonly Holder[]> {
  const wishes: Wish[] = [
    ...['own', 'other'].flatMap((team) =>
      roles.map((role): Wish => ({ title: `${role} of ${team}`, teams: { [team]: [role] } })),
    ),
    ...platformRoles.map((role): Wish => ({ title: `${role} of the installation`, platformRoles: [role] })),
    { title: 'nobody' },
    { title: 'caller of one endpoint', granted: ['own-endpoint'] },
    { title: 'operator of both', teams: { own: ['operator'], other: ['operator'] } },
    { title: 'operating service of own', kind: 'service', teams: { own: ['operator'] } },
    { title: 'approving service of own', kind: 'service', teams: { own: ['approver'] } },
    {
      title: 'admin limited to three actions',
      teams: { own: roles },
      platformRoles: ['admin'],
      limits: { actions: ['endpoint.predict', 'model.read', 'version.register'] },
    },
    {
      title: 'admin limited to own',
      teams: { own: roles, other: roles },
      platformRoles: ['admin'],
      limits: { resources: ['team/own'] },
    },
    {
      title: 'admin limited to one endpoint',
      teams: { own: roles },
      platformRoles: ['admin'],
      limits: { resources: ['endpoint/own-endpoint'] },
    },
    { title: 'viewer limited to reading models', teams: { own: ['viewer'] }, limits: { actions: ['model.read'] } },
    {
      title: 'operator limited to a foreign team',
      teams: { own: ['operator'] },
      limits: { resources: ['team/other'] },
    },
    {
      title: 'operator limited to reading one endpoint',
      teams: { own: ['operator'] },
      limits: { actions: ['endpoint.read'], resources: ['endpoint/own-endpoint'] },
    },
  ];
  return await Promise.all(wishes.map(async (wish, index) => await makeHolder(admin, `holder-${index}`, wish)));
}

/** A client that calls as a holder. */
export function clientOf(url: string, { token }: Holder): Client {
  return createClient({ url, token });
}
