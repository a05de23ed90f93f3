import type { LookupAddress } from 'node:dns';
import { lookup as systemLookup } from 'node:dns/promises';
import { type IncomingMessage, type RequestOptions, Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { type ProbeRules, entryOf, isAllowedHost, isPublicAddress } from './probe-address.ts';

/** What one look at an address found. */
export interface Look {
  readonly ok: boolean;
  /** Null where it did not answer. */
  readonly status: number | null;
  /** Until the head of the answer came; null where none came. */
  readonly ms: number | null;
  /** Why it is not ok, in a sentence; never what it answered. */
  readonly problem: string | null;
}

/** The addresses of a host; the system's own, but for tests. */
export type ResolveHost = (host: string) => Promise<readonly LookupAddress[]>;

export interface LookParts {
  readonly rules: ProbeRules;
  /** For all of it, finding the address included. */
  readonly timeoutMs: number;
  readonly resolveHost?: ResolveHost | undefined;
  readonly userAgent: string;
}

/** Most of an answer that is taken, and thrown away. */
const mostBytes = 64 * 1024;

/**
 * Looks once. It connects to exactly the addresses that were checked, so that a name cannot lead to one address when it is
 * checked and to another when it is used; it follows no redirect, takes no proxy, and shows no credentials. Never throws,
 * but for `signal`.
 */
export async function look(url: string, parts: LookParts, signal: AbortSignal): Promise<Look> {
  const timeout = AbortSignal.timeout(parts.timeoutMs);
  const ending = AbortSignal.any([signal, timeout]);
  try {
    const target = new URL(url);
    if (!isAllowedHost(target, parts.rules.allowedHosts))
      return failed(`its host ${entryOf(target)} is not in observing.allowedHosts any more`);
    const addresses = await aborting(ending, addressesOf(target, parts));
    const refused = addresses.find(({ address }) => !parts.rules.allowPrivate && !isPublicAddress(address));
    if (refused !== undefined)
      return failed(`${target.hostname} leads to ${refused.address}, which is no public address`);
    if (addresses.length === 0) return failed(`there is no host ${target.hostname}`);
    const begunAt = performance.now();
    const { status } = await ask(target, addresses, parts.userAgent, ending);
    const ms = Math.round((performance.now() - begunAt) * 10) / 10;
    return { ok: status >= 200 && status < 300, status, ms, problem: problemOf(status) };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return failed(`it did not answer within ${parts.timeoutMs} ms`);
    return failed(`it could not be reached: ${reasonOf(error)}`);
  }
}

async function addressesOf({ hostname }: URL, parts: LookParts): Promise<readonly LookupAddress[]> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  const resolve = parts.resolveHost ?? (async (name: string) => await systemLookup(name, { all: true }));
  return await resolve(host);
}

/** Answers when the head of the answer is there; the body is thrown away. */
async function ask(
  target: URL,
  addresses: readonly LookupAddress[],
  userAgent: string,
  signal: AbortSignal,
): Promise<{ readonly status: number }> {
  const isTls = target.protocol === 'https:';
  const options: RequestOptions = {
    method: 'GET',
    hostname: target.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: target.port,
    path: `${target.pathname}${target.search}`,
    headers: { host: target.host, 'user-agent': userAgent, accept: '*/*', connection: 'close' },
    // One of its own: connections are not kept, and no proxy of the environment is taken.
    agent: isTls ? new HttpsAgent({ keepAlive: false }) : new HttpAgent({ keepAlive: false }),
    lookup: (_host, { all }, callback) => {
      const [first] = addresses;
      if (all === true) callback(null, [...addresses]);
      else callback(null, first?.address ?? '', first?.family);
    },
    signal,
    maxHeaderSize: 16 * 1024,
  };
  return await new Promise((resolve, reject) => {
    const request = (isTls ? httpsRequest : httpRequest)(options, (response) => {
      throwAway(response);
      resolve({ status: response.statusCode ?? 0 });
    });
    request.on('error', reject);
    request.end();
  });
}

function throwAway(response: IncomingMessage): void {
  let taken = 0;
  response.on('data', (chunk: Buffer) => {
    taken += chunk.byteLength;
    if (taken > mostBytes) response.destroy();
  });
  // How the body ends says nothing about the look.
  response.on('error', () => undefined);
}

async function aborting<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new Error('it took too long'));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function failed(problem: string): Look {
  return { ok: false, status: null, ms: null, problem };
}

function problemOf(status: number): string | null {
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return `it answered ${status}, and a redirect is not followed`;
  return `it answered ${status}`;
}

/** The system's code, such as ECONNREFUSED; a message may quote what the other side sent. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
  return first instanceof Error && 'code' in first && typeof first.code === 'string' ? first.code : 'no answer';
}
