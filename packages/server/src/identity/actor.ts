import type { Action, MusterError, PlatformRole, ResourceKind, Role } from '@muster-ml/protocol';
import type { Tx } from '../platform/database/index.ts';

/** A person or a service account, with everything that decides what it may do now. */
export interface Actor {
  readonly id: string;
  readonly kind: 'person' | 'service';
  readonly name: string;
  /** Roles by team. */
  readonly teams: Readonly<Record<string, readonly Role[]>>;
  readonly platformRoles: readonly PlatformRole[];
  /** Names of the endpoints that access rules let this actor call, directly or as a member of a team. */
  readonly granted: readonly string[];
  /** The token that was used; absent where the server acts in the actor's name, without a request of theirs. */
  readonly token?: TokenLimits;
}

/** What a token is, and what of its owner's rights it leaves; null leaves all. */
export interface TokenLimits {
  readonly id: string;
  /** Milliseconds since the epoch, or null. */
  readonly expiresAt: number | null;
  readonly actions: readonly Action[] | null;
  /** `team/NAME` and `endpoint/NAME`. */
  readonly resources: readonly string[] | null;
}

/** Who calls a use case, and by which request: the first argument of every one. */
export interface Caller {
  readonly actor: Actor;
  readonly requestId: string;
}

/** What an action is about. */
export interface Resource {
  readonly kind: ResourceKind;
  /** Its name, or its id where it has no name. */
  readonly id: string;
  /** The team that owns it; undefined for what belongs to the installation; `any` for what only needs the role in some team. */
  readonly team?: string | { readonly any: true } | undefined;
  /** Name of the endpoint that it belongs to, where it is not one itself. */
  readonly endpoint?: string | undefined;
  /** Id of the actor whose own it is: who made it, or whom it is about. */
  readonly owner?: string | undefined;
  /** Whether the owner is the only admin of the installation, whom nobody else could give a role. */
  readonly isOnlyAdmin?: boolean | undefined;
  /** Ids of the people who wrote it, and who asked for it, for the duties that must be separate. */
  readonly authors?: readonly string[] | undefined;
  readonly requesters?: readonly string[] | undefined;
  /** The error of one that does not exist, thrown alike where the caller may not see it. */
  readonly missing?: (() => MusterError) | undefined;
}

/** Teams and endpoints, by name; `*` is every team. */
export interface Reach {
  readonly teams: '*' | readonly string[];
  readonly endpoints: readonly string[];
}

/**
 * The rows that an actor may act on, for the SQL of lists: those within `reach` or of `owner`, and within `within` too,
 * where the token is limited.
 */
export interface Scope {
  readonly reach: Reach;
  /** Id of the actor whose own rows are in it, whatever their team. */
  readonly owner: string | undefined;
  readonly within: Reach | undefined;
}

/** What a live token may do, as the gateway needs it: digests, never tokens. */
export interface TokenGrant {
  /** SHA-256 of the token, hexadecimal. */
  readonly digest: string;
  readonly tokenId: string;
  readonly actor: string;
  /** Milliseconds since the epoch, or null. */
  readonly expiresAt: number | null;
  /** Endpoints that exist for it. */
  readonly see: Reach;
  /** Endpoints that it may call. */
  readonly predict: Reach;
  /** What the token is limited to; both of the above hold only within. */
  readonly within?: Reach | undefined;
}

/** Limits of an actor's calls of an endpoint, from its access rules. */
export interface CallLimit {
  readonly endpoint: string;
  readonly actor: string;
  readonly ratePerSecond: number | null;
  readonly requestsPerDay: number | null;
}

/** Everything that the gateway's table holds of identity, of one epoch. */
export interface GatewayGrants {
  readonly tokens: readonly TokenGrant[];
  readonly limits: readonly CallLimit[];
}

/** What a gateway counted since its last report; minutes are the milliseconds at which one began. */
export interface AccessReport {
  /** Refusals of known tokens, about endpoints. */
  readonly denials: readonly {
    readonly actor: string;
    readonly token: string;
    readonly action: string;
    /** Name of an endpoint. */
    readonly object: string;
    readonly minute: number;
    readonly count: number;
  }[];
  /** Tokens that nobody has, by the network that they came from. */
  readonly unknownTokens: readonly { readonly source: string; readonly minute: number; readonly count: number }[];
  readonly tokensUsed: readonly { readonly token: string; readonly at: number }[];
}

/** What other rooms use of identity. */
export interface Identity {
  /** The actor of a token. Throws `token_missing`, `token_invalid`, `token_expired`. */
  authenticate(token: string | undefined): Promise<Actor>;
  /** An actor by id, with the rights held now and no token. Throws `token_invalid` where there is none, or it is disabled. */
  actorById(id: string): Promise<Actor>;
  /**
   * The one door: throws what `resource.missing` makes where the resource does not exist for the caller, and
   * `not_allowed` where it does but the action is not theirs. Refusals are counted for the ledger.
   */
  authorize(caller: Caller, action: Action, resource: Resource): void;
  /** The same decision as an answer, for what is shown or left out. */
  may(caller: Caller, action: Action, resource: Resource): boolean;
  /** The rows that the caller may act on; `inScope` makes it SQL. */
  scope(caller: Caller, action: Action): Scope;
  /** Whether there is nothing that the caller may not see. */
  seesEverything(caller: Caller): boolean;
  /** How many persons hold a token that is live now. */
  countPersonsWithTokens(): Promise<number>;
  /** What gateways decide by. */
  grants(): Promise<GatewayGrants>;
  /** Rises with every change of what anybody may do, also one that another control made. */
  epoch(): Promise<number>;
  /** First step of a transaction of another room that changes who may call what: gateways read it again after the commit. */
  accessChanged(tx: Tx): Promise<void>;
  /** Calls back after a change was committed by this process. */
  onChange(callback: () => void): () => void;
  /** Takes over what a gateway counted: refusals and uses of tokens. */
  takeReport(report: AccessReport): void;
  /** Names of actors, for who is shown beside what they did. */
  namesOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Id of an actor by id or name. Throws `actor_not_found`. */
  actorId(reference: string): Promise<string>;
  /** Id of an actor that answers for something: like `actorId`, but one that is disabled is not found. `place` names the input. */
  ownerId(reference: string, place?: string): Promise<string>;
  /** Ends the access rules of an endpoint with it, in the transaction of its end. */
  endpointEnded(tx: Tx, endpoint: string): Promise<void>;
}
