import {
  type Action,
  type Condition,
  type PlatformRole,
  type ResourceKind,
  type Role,
  matrix,
  readActions,
} from '@muster-ml/protocol';

/** Somebody with a token, as they were made: what they hold, and what the token leaves of it. */
export interface Holder {
  /** Such as `operator of own`, for people who read a failure. */
  readonly title: string;
  readonly id: string;
  readonly kind: 'person' | 'service';
  readonly teams: Readonly<Record<string, readonly Role[]>>;
  readonly platformRoles: readonly PlatformRole[];
  /** Endpoints whose access rules name them. */
  readonly granted: readonly string[];
  readonly actions: readonly Action[] | undefined;
  readonly resources: readonly string[] | undefined;
  readonly token: string;
}

/** What a request is about. */
export interface Target {
  readonly kind: ResourceKind;
  /** Absent: it belongs to the installation. `any`: a role in any team will do. */
  readonly team?: string | undefined;
  /** The endpoint that it is, or belongs to. */
  readonly endpoint?: string | undefined;
  /** Id of whose own it is. */
  readonly owner?: string | undefined;
  /** Nobody else sees it, whatever they hold. */
  readonly isPrivate?: boolean;
}

export type Verdict = 'allowed' | 'forbidden' | 'hidden';

/**
 * What the matrix says, read from its data only: the opinion that the server's answers are compared with. It knows
 * nothing of how the server decides.
 */
export function verdictOf(holder: Holder, action: Action, target: Target): Verdict {
  if (!isWithinToken(holder, target) && action !== 'self.read') return 'hidden';
  const isHeld = isHeldBy(holder, action, target);
  const isInToken = holder.actions === undefined || action === 'self.read' || holder.actions.includes(action);
  if (isHeld && isInToken) return target.isPrivate === true && target.owner !== holder.id ? 'hidden' : 'allowed';
  return isHeld || isHeldBy(holder, readActions[target.kind], target) ? 'forbidden' : 'hidden';
}

/** Whether a list of what the action reads may be asked for at all. */
export function verdictOfList(holder: Holder, action: Action): Verdict {
  return holder.actions === undefined || holder.actions.includes(action) ? 'allowed' : 'forbidden';
}

function isHeldBy(holder: Holder, action: Action, target: Target): boolean {
  const lines: (keyof typeof matrix)[] = ['everyone', ...holder.platformRoles];
  for (const [team, roles] of Object.entries(holder.teams))
    if (target.team === team || target.team === 'any') lines.push(...roles);
  if (target.kind === 'endpoint' && holder.granted.includes(target.endpoint ?? '')) lines.push('granted');
  return lines.some((line) => {
    const held: Readonly<Partial<Record<Action, readonly Condition[]>>> = matrix[line];
    return held[action]?.every((condition) => isMet[condition](holder, target)) === true;
  });
}

/** The installation of the walk is a sandbox and has several admins. */
const isMet: Readonly<Record<Condition, (holder: Holder, target: Target) => boolean>> = {
  own: (holder, target) => target.owner === holder.id,
  sandbox: () => true,
  notSelf: (holder, target) => target.owner !== holder.id,
  notAuthor: () => true,
  notRequester: () => true,
  person: (holder) => holder.kind === 'person',
};

/** A token that is limited to teams or endpoints reaches what belongs to them; uploads belong to nobody's team yet. */
function isWithinToken(holder: Holder, target: Target): boolean {
  if (holder.resources === undefined || target.kind === 'upload') return true;
  return [`team/${target.team}`, `endpoint/${target.endpoint}`].some((one) => holder.resources?.includes(one) === true);
}
