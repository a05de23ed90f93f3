import type { RouteName } from '@muster-ml/protocol';
import type { RouteHandlers } from '../platform/http/index.ts';
import type { Caller } from './actor.ts';

export type { CallLimit, Caller, GatewayGrants, Identity, Reach, Resource, Scope, TokenGrant } from './actor.ts';
export { type EndpointToken, endEndpointToken, makeEndpointToken } from './endpoint-token.ts';
export { type IdentityRoom, createIdentity } from './identity.ts';
export { inScope } from './in-scope.ts';
export { ledgerActor } from './ledger-actor.ts';
export { identityRoutes } from './routes.ts';
export { saveLogin, savedLogin } from './save-login.ts';
export { teamNotFound } from './team-not-found.ts';
export { tokenInHeader } from './token.ts';

/** Handlers of some routes of the management API, called by an authenticated caller. */
export type Handlers<N extends RouteName> = RouteHandlers<N, Caller>;
