import type { Action } from '@muster-ml/protocol';

/** A person or a service account, as authentication found it. */
export interface Actor {
  readonly id: string;
  readonly kind: 'person' | 'service';
  readonly name: string;
  /** Roles by team; the first start's admin holds `admin` in `default`. */
  readonly teams: Readonly<Record<string, readonly string[]>>;
  /** Absent where the server acts in the actor's name, without a request of theirs. */
  readonly tokenId?: string;
}

/** Who calls a use case, and by which request: the first argument of every one. */
export interface Caller {
  readonly actor: Actor;
  readonly requestId: string;
}

/** What an action is about. `team` is undefined for what belongs to the installation. */
export interface Resource {
  readonly kind: 'installation' | 'operation' | 'model' | 'endpoint' | 'upload';
  readonly id: string;
  readonly team?: string | undefined;
}

/** What a live token may do, as the gateway needs it: digests, never tokens. */
export interface TokenGrant {
  /** SHA-256 of the token, hexadecimal. */
  readonly digest: string;
  readonly tokenId: string;
  readonly actor: string;
  /** Milliseconds since the epoch, or null. */
  readonly expiresAt: number | null;
  /** Endpoints that it may call, or `*`. */
  readonly predict: '*' | readonly string[];
}

export interface Identity {
  /** The actor of a token. Throws `token_missing`, `token_invalid`, `token_expired`. */
  authenticate(token: string | undefined): Promise<Actor>;
  /** An actor by id, with the roles held now and no token. Throws `token_invalid` where there is none. */
  actorById(id: string): Promise<Actor>;
  /** Throws `not_allowed`, or the resource's own not-found error by the caller where it may not be seen. The one door for roles. */
  authorize(caller: Caller, action: Action, resource: Resource): void;
  /** Teams whose resources the actor may see, for the SQL of lists. */
  visibleTeams(actor: Actor): '*' | readonly string[];
  /** How many persons hold a token that is live now. */
  countPersonsWithTokens(): Promise<number>;
  /** Every live token, for the gateway's table. */
  grants(): Promise<readonly TokenGrant[]>;
}
