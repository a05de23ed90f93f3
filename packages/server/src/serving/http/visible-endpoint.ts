import { MusterError, quoteName } from '@muster-ml/protocol';
import type { TokenGrant } from '../../identity/index.ts';
import type { FaceDependencies } from '../faces.ts';
import type { RoutedEndpoint } from '../routing-table.ts';
import { tokenOf } from './bearer-token.ts';
import type { Exchange } from './exchange.ts';

/** Who asks. Throws `token_missing`, `token_invalid`, `token_expired`, `control_unavailable`. */
export function grantOf(exchange: Exchange, { admission }: FaceDependencies): TokenGrant {
  return admission.authenticate(tokenOf(exchange.request.headers.authorization));
}

/**
 * The endpoint of a name, for this caller, to say what it is. One that the caller may not see gives the same
 * `endpoint_not_found`, byte for byte and after the same work, as one that does not exist.
 */
export function visibleEndpoint(exchange: Exchange, name: string, dependencies: FaceDependencies): RoutedEndpoint {
  return find(exchange, grantOf(exchange, dependencies), name, 'endpoint.read', dependencies);
}

/**
 * The endpoint of a name, for this caller, to call it: from here on the request is the caller's, counted and limited.
 * Throws `endpoint_not_found` as above, `not_allowed` where the caller only sees it, `rate_limited`, `quota_exceeded`.
 */
export function callableEndpoint(exchange: Exchange, name: string, dependencies: FaceDependencies): RoutedEndpoint {
  const { admission, denials, callLimits } = dependencies;
  const grant = grantOf(exchange, dependencies);
  const endpoint = find(exchange, grant, name, 'endpoint.predict', dependencies);
  if (!admission.mayPredict(grant, endpoint)) {
    denials.note(grant, 'endpoint.predict', name);
    throw new MusterError('not_allowed', `endpoint.predict on endpoint ${name} is not yours`, {
      details: { action: 'endpoint.predict', resource: `endpoint/${name}` },
    });
  }
  exchange.call = { endpoint, actor: grant.actor };
  callLimits.admit(name, grant.actor);
  return endpoint;
}

/** Where there is no endpoint, the same question is asked about this one. */
const nowhere = { name: '', team: '' };

function find(
  exchange: Exchange,
  grant: TokenGrant,
  name: string,
  action: 'endpoint.read' | 'endpoint.predict',
  { directory, admission, denials }: FaceDependencies,
): RoutedEndpoint {
  const endpoint = directory.find(name);
  const isSeen = admission.sees(grant, endpoint ?? nowhere);
  if (endpoint === undefined || !isSeen) {
    denials.note(grant, action, name);
    throw new MusterError('endpoint_not_found', `there is no endpoint ${quoteName(name)}`);
  }
  exchange.endpoint = endpoint.name;
  return endpoint;
}

/** Fails with `method_not_allowed` where the method is not one of those allowed; a GET allows HEAD. */
export function allowMethod(exchange: Exchange, ...allowed: readonly ('GET' | 'POST')[]): void {
  const { method } = exchange.request;
  if (allowed.some((one) => one === method || (one === 'GET' && method === 'HEAD'))) return;
  const allow = allowed.flatMap((one) => (one === 'GET' ? ['GET', 'HEAD'] : [one])).join(', ');
  throw new MusterError('method_not_allowed', `${method} is not allowed here, ${allow} is`, { details: { allow } });
}
