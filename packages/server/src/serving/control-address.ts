import { type ClientRequest, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestSecure } from 'node:https';
import { MusterError } from '@muster-ml/protocol';

/** Where control listens: `unix:/path`, or `http(s)://host:port`. */
export interface ControlAddress {
  /** Begins a request to control; the options' `path`, `method` and `headers` are the caller's. */
  request(options: RequestOptions): ClientRequest;
}

/** Reads an address of control. Throws `invalid_configuration`. */
export function parseControlAddress(address: string): ControlAddress {
  if (address.startsWith('unix:') && address.length > 5) {
    const socketPath = address.slice(5);
    return { request: (options) => requestPlain({ ...options, socketPath }) };
  }
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === 'http:')
    return {
      request: (options) =>
        requestPlain({ ...options, host: url.hostname, port: url.port === '' ? 80 : Number(url.port) }),
    };
  if (url?.protocol === 'https:')
    return {
      request: (options) =>
        requestSecure({ ...options, host: url.hostname, port: url.port === '' ? 443 : Number(url.port) }),
    };
  throw new MusterError('invalid_configuration', `"${address}" is no address of control`, {
    remedy: 'Write unix:/path, http://host:port or https://host:port.',
  });
}
