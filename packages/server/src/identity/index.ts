import type { RouteName } from '@muster-ml/protocol';
import type { RouteHandlers } from '../platform/http/index.ts';
import type { Caller } from './actor.ts';

export type { Caller, Identity, TokenGrant } from './actor.ts';
export { type IdentityRoom, createIdentity } from './identity.ts';
export { ledgerActor } from './ledger-actor.ts';
export { saveLogin, savedLogin } from './save-login.ts';
export { tokenInHeader } from './token.ts';

/** Handlers of some routes of the management API, called by an authenticated caller. */
export type Handlers<N extends RouteName> = RouteHandlers<N, Caller>;
