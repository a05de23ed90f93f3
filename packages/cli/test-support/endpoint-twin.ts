import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Endpoint,
  MusterError,
  endpointSchema,
  toMusterError,
  toProblem,
  updateEndpointSchema,
} from '@muster-ml/protocol';
import { endpointDocument } from './twin-documents.ts';
import { twinFleetEndpoint } from './history-twin.ts';

/** A server that has the endpoint `fraud` and nothing else, from memory. */
export interface EndpointTwin {
  readonly url: string;
  readonly token: string;
  /** Bodies of updates as they came in. */
  readonly updates: unknown[];
  endpoint: Endpoint;
  /** Since when it is in production or lapsed. */
  since: string | null;
  close(): Promise<void>;
}

export async function startEndpointTwin(): Promise<EndpointTwin> {
  const answer = (method: string, path: string, body: string): unknown => {
    const { name } = twin.endpoint;
    if (path === '/api/v1/fleet') {
      const standing = twin.endpoint.standing === 'not deployed' ? 'stopped' : twin.endpoint.standing;
      return { items: [twinFleetEndpoint({ name, standing, standingSince: twin.since })] };
    }
    if (path !== `/api/v1/endpoints/${name}`)
      throw new MusterError('endpoint_not_found', `there is nothing at ${path}`);
    if (method === 'PATCH') twin.updates.push(updateEndpointSchema.parse(JSON.parse(body)));
    return endpointSchema.parse(twin.endpoint);
  };
  const server = createServer((request, response) => {
    void (async () => {
      try {
        const path = new URL(request.url ?? '/', 'http://twin').pathname;
        const result = answer(request.method ?? '', path, await textOf(request));
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(result));
      } catch (error) {
        const problem = toProblem(toMusterError(error), 'request-1');
        response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
        response.end(JSON.stringify(problem));
      }
    })();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const twin: EndpointTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    updates: [],
    endpoint: endpointDocument('fraud', undefined, 'fraud', 3, { role: 'live', settings: {} }),
    since: null,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return twin;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
