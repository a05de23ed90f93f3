import { MusterError, quoteName } from '@muster-ml/protocol';
import type { TokenGrant } from '../../identity/index.ts';
import type { FaceDependencies } from '../faces.ts';
import type { RoutedEndpoint } from '../routing-table.ts';
import { tokenOf } from './bearer-token.ts';
import type { Exchange } from './exchange.ts';

/** Who calls. Throws `token_missing`, `token_invalid`, `token_expired`. */
export function grantOf(exchange: Exchange, { admission }: FaceDependencies): TokenGrant {
  return admission.authenticate(tokenOf(exchange.request.headers.authorization));
}

/**
 * The endpoint of a name, for this caller. One that the caller may not see gives the same `endpoint_not_found`, byte
 * for byte, as one that does not exist.
 */
export function visibleEndpoint(exchange: Exchange, name: string, dependencies: FaceDependencies): RoutedEndpoint {
  const grant = grantOf(exchange, dependencies);
  const endpoint = dependencies.directory.find(name);
  if (endpoint === undefined || !dependencies.admission.mayPredict(grant, endpoint.name)) {
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
