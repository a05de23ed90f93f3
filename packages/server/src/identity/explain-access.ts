import { type Action, type Explanation, MusterError, type ResourceKind, readActions } from '@muster-ml/protocol';
import type { Caller, Resource } from './actor.ts';
import { decide } from './decide.ts';
import { type IdentityRoom, actorNotFound, actorOf } from './identity.ts';
import { actorByReference, teamByName } from './people-store.ts';
import type { KnownActor } from './store.ts';
import { tokenById } from './token-store.ts';

/** Whose a resource is: what a decision about it needs. Undefined where it does not exist. */
export type FindResource = (id: string) => Promise<Pick<Resource, 'team' | 'owner' | 'endpoint'> | undefined>;

/** What other rooms tell of their resources, by kind. */
export type ResourcePorts = Readonly<Partial<Record<ResourceKind, FindResource>>>;

/**
 * Which rule decides whether an actor may do something now, without a token that takes anything away. Everybody may ask
 * about themselves; else it takes `access.explain` where the resource is. Throws `actor_not_found`, and `not_allowed` alike
 * for a resource that does not exist and for one that the caller may not ask about.
 */
export async function explainAccess(
  room: IdentityRoom,
  ports: ResourcePorts,
  caller: Caller,
  question: { readonly actor: string; readonly action: Action; readonly resource: string },
): Promise<Explanation> {
  const [kind, id] = split(question.resource);
  const subject = await actorByReference(room.parts.database.reader, question.actor);
  const facts = await find(room, ports, kind, id);
  const resource: Resource = { kind, id, ...facts };
  const isOwn = subject?.id === caller.actor.id;
  // A question about oneself tells no more than doing it would: what is hidden looks like what is not there.
  room.authorize(caller, 'access.explain', {
    ...resource,
    kind: 'installation',
    id: question.resource,
    owner: isOwn ? caller.actor.id : undefined,
  });
  if (subject === undefined) throw actorNotFound(question.actor);
  const known = await room.store.actorById(subject.id, room.parts.clock.now());
  if (known === undefined) throw actorNotFound(question.actor);
  const answer = { actor: subject.name, action: question.action, resource: question.resource };
  const absent = {
    ...answer,
    allow: false,
    visible: false,
    reasons: [`there is no ${kind} ${id} for ${subject.name}`],
  };
  if (facts === undefined) return absent;
  const decision = decide(actorOf(known), question.action, resource, room.circumstances);
  if (!decision.visible && isOwn) return absent;
  const heldBack = await reasonToHoldBack(room, known, question.action, resource);
  if (decision.allow && heldBack !== undefined)
    return { ...answer, allow: false, visible: decision.visible, reasons: [heldBack, ...decision.reasons] };
  const reasons = known.isDisabled ? ['the actor is disabled', ...decision.reasons] : decision.reasons;
  return { ...answer, allow: decision.allow && !known.isDisabled, visible: decision.visible, reasons: [...reasons] };
}

/** Why an access rule of an endpoint does not count yet for an actor whom nothing else lets call it. */
async function reasonToHoldBack(
  { parts, circumstances }: IdentityRoom,
  actor: KnownActor,
  action: Action,
  resource: Resource,
): Promise<string | undefined> {
  if (action !== 'endpoint.predict' || resource.kind !== 'endpoint') return undefined;
  const team = (await parts.heldBack?.())?.get(resource.id);
  if (team === undefined || (actor.teams[team] ?? []).length > 0) return undefined;
  const granted = actor.granted.filter((endpoint) => endpoint !== resource.id);
  if (decide({ ...actorOf(actor), granted }, action, resource, circumstances).allow) return undefined;
  return `${resource.id} was never in production: until then its access rules let only members of ${team} call it`;
}

function split(text: string): [ResourceKind, string] {
  const slash = text.indexOf('/');
  const kind = slash < 0 ? text : text.slice(0, slash);
  if (!(kind in readActions))
    throw new MusterError('invalid_request', `there is no kind ${kind}`, { place: 'query.resource' });
  return [kind as ResourceKind, slash < 0 ? '' : text.slice(slash + 1)];
}

async function find(
  room: IdentityRoom,
  ports: ResourcePorts,
  kind: ResourceKind,
  id: string,
): Promise<Pick<Resource, 'team' | 'owner' | 'endpoint'> | undefined> {
  const { database } = room.parts;
  switch (kind) {
    case 'installation':
      return {};
    case 'upload':
      return { team: { any: true } };
    case 'team':
      return (await teamByName(database.reader, id)) === undefined ? undefined : { team: id };
    case 'actor': {
      const actor = await actorByReference(database.reader, id);
      return actor === undefined ? undefined : { team: actor.team ?? undefined, owner: actor.id };
    }
    case 'token': {
      const token = await tokenById(database, id);
      return token === undefined ? undefined : { team: token.actorTeam ?? undefined, owner: token.actor };
    }
    default: {
      const port = ports[kind];
      if (port === undefined)
        throw new MusterError('invalid_request', `decisions about one ${kind} are not explained`, {
          place: 'query.resource',
          remedy: 'Ask about its endpoint or its team.',
        });
      return await port(id);
    }
  }
}
