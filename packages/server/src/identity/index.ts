import type { RouteName } from '@muster-ml/protocol';
import type { RouteHandlers } from '../platform/http/index.ts';
import type { Caller } from './actor.ts';

export type { Actor, Caller, Identity, Resource, TokenGrant } from './actor.ts';
export { type IdentityRoom, createIdentity, defaultTeam } from './identity.ts';
export { saveLogin, savedLogin } from './save-login.ts';
export { looksLikeToken, newToken, tokenDigest, tokenInHeader } from './token.ts';

/** Handlers of some routes of the management API, called by an authenticated caller. */
export type Handlers<N extends RouteName> = RouteHandlers<N, Caller>;
