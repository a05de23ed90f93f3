import { X509Certificate } from 'node:crypto';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { MusterError } from '@muster-ml/protocol';
import type { LoadRequest, LoadTask } from './load-task.ts';
import type { Outcome } from './tally.ts';

/** Calls one endpoint over connections that are kept open, as a well-made application does. */
export interface GatewayClient {
  /** Sends one request; never rejects. */
  send(request: LoadRequest): Promise<Outcome>;
  /** The request with the endpoint's own example row. Waits until the gateway knows the token. Throws `drill_impossible`. */
  exampleRequest(): Promise<LoadRequest>;
  close(): void;
}

/** Of an answer, this much is looked at; the rest is received and let go. */
const seenBytes = 64 * 1024;

/** A new token is with every gateway soon; more failures than these would count as guessing. */
const probePausesMs = [50, 100, 200, 400, 800, 1600, 3200] as const;

interface Answer {
  readonly status: number;
  readonly text: string;
}

export function createGatewayClient(
  task: Pick<LoadTask, 'url' | 'certificate' | 'endpoint' | 'token' | 'maxInFlight' | 'timeoutMs'>,
): GatewayClient {
  const { endpoint, token, maxInFlight, timeoutMs } = task;
  const base = new URL(task.url);
  const isTls = base.protocol === 'https:';
  const kept = { keepAlive: true, maxSockets: maxInFlight, scheduling: 'lifo' } as const;
  const agent = isTls ? new HttpsAgent({ ...kept, ...trustOnly(task.certificate) }) : new HttpAgent(kept);
  const start = isTls ? requestHttps : requestHttp;

  async function exchange(method: 'GET' | 'POST', { path, headers, body }: LoadRequest): Promise<Answer> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (let attempt = 1; ; attempt++) {
      let sent: ClientRequest | undefined;
      try {
        const answer = Promise.withResolvers<IncomingMessage>();
        sent = start(new URL(path, base), {
          method,
          agent,
          signal,
          headers: { ...headers, authorization: `Bearer ${token}`, 'content-length': body.byteLength },
        });
        sent.once('response', answer.resolve).once('error', answer.reject).end(body);
        return await read(await answer.promise);
      } catch (error) {
        // A connection that was kept and closed at the other end just then is no failure of the request.
        const isStale = sent?.reusedSocket === true && codeOf(error) === 'ECONNRESET';
        if (!isStale || attempt > 1) throw error;
      }
    }
  }

  return {
    async send(request) {
      try {
        const { status, text } = await exchange('POST', request);
        if (status >= 200 && status < 300) return { isAnswered: true, version: versionIn(text) };
        return { isAnswered: false, why: failureOf(status, text) };
      } catch (error) {
        return { isAnswered: false, why: codeOf(error) };
      }
    },
    async exampleRequest() {
      const path = `/predict/${endpoint}`;
      const ask = { path, headers: { accept: 'application/json' }, body: new Uint8Array() };
      let why = '';
      for (const pauseMs of probePausesMs) {
        try {
          const { status, text } = await exchange('GET', ask);
          if (status === 200) {
            const { example } = JSON.parse(text) as { readonly example?: unknown };
            const body = new TextEncoder().encode(JSON.stringify(example ?? { rows: [] }));
            return { path, headers: { 'content-type': 'application/json', accept: 'application/json' }, body };
          }
          why = failureOf(status, text);
        } catch (error) {
          why = codeOf(error);
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
      throw new MusterError('drill_impossible', `the gateway at ${base.origin} does not let the load through: ${why}`, {
        remedy: 'Check that it answers there; drills.gatewayUrl names another address.',
      });
    },
    close: () => agent.destroy(),
  };
}

/** What this machine shows is its own certificate, whatever names are in it: exactly that one is trusted, and no other. */
function trustOnly(certificate: string | undefined): object {
  if (certificate === undefined) return {};
  const { fingerprint256 } = new X509Certificate(certificate);
  return {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, shown: { readonly fingerprint256: string }) =>
      shown.fingerprint256 === fingerprint256 ? undefined : new Error('the gateway shows another certificate'),
  };
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (size < seenBytes) chunks.push(chunk);
    size += chunk.length;
  }
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') };
}

/** Where an answer says which version gave it: near its beginning, in either protocol. */
function versionIn(text: string): string | undefined {
  return /"(?:model_version|version)":\s*"([^"\\]{1,20})"/.exec(text.slice(0, 2000))?.[1];
}

/** The status, with the code of the error where there is one: `503 endpoint_not_ready`. */
function failureOf(status: number, text: string): string {
  const code = /"(?:code|error)":\s*"([a-z_]{1,50})[":]/.exec(text.slice(0, 2000))?.[1];
  return code === undefined ? String(status) : `${status} ${code}`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error.name === 'TimeoutError') return 'no answer in time';
  return 'code' in error && typeof error.code === 'string' && error.code !== 'ABORT_ERR'
    ? error.code
    : error.name === 'AbortError'
      ? 'no answer in time'
      : error.name;
}
