import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type FleetEndpoint,
  type HistoryInterval,
  fleetEndpointSchema,
  fleetQuerySchema,
  historyIntervalSchema,
  historyQuerySchema,
} from '@muster-ml/protocol';

/** A server that knows what was live and nothing else, from memory. */
export interface HistoryTwin {
  readonly url: string;
  readonly token: string;
  /** Queries as they came in. */
  readonly seen: Readonly<Record<string, unknown>>[];
  intervals: readonly HistoryInterval[];
  fleet: readonly FleetEndpoint[];
  close(): Promise<void>;
}

const ana = { id: 'a1', name: 'ana' };

/** An interval of `fraud` by ana; what is not given is of no interest. */
export function twinInterval(given: Partial<HistoryInterval> = {}): HistoryInterval {
  return historyIntervalSchema.parse({
    endpoint: 'fraud',
    team: 'default',
    deleted: false,
    deployment: 'd1',
    model: 'churn',
    version: 3,
    role: 'live',
    sharePercent: 100,
    from: '2026-11-01T00:00:00.000Z',
    until: null,
    decision: { by: ana, action: 'endpoint.deploy', entry: 7 },
    end: null,
    why: null,
    ...given,
  });
}

export function twinFleetEndpoint(given: Partial<FleetEndpoint> = {}): FleetEndpoint {
  return fleetEndpointSchema.parse({
    name: 'fraud',
    team: 'default',
    kind: 'served',
    useCase: null,
    standingSince: null,
    owner: ana,
    live: { model: 'churn', version: 3, sharePercent: 100 },
    canary: null,
    shadow: null,
    standing: 'deployed',
    usage: { hours: 24, requests: 1234, errors: 5, callers: 2 },
    changed: { at: '2026-11-01T00:00:00.000Z', by: ana, action: 'endpoint.deploy', entry: 7 },
    createdAt: '2026-10-01T00:00:00.000Z',
    ...given,
  });
}

export async function startHistoryTwin(): Promise<HistoryTwin> {
  const answer = (url: URL): unknown => {
    const query = Object.fromEntries(url.searchParams);
    if (url.pathname === '/api/v1/fleet') {
      twin.seen.push({ ...fleetQuerySchema.parse(query) });
      return { items: twin.fleet };
    }
    if (url.pathname === '/api/v1/endpoints' || url.pathname === '/api/v1/models') return { items: [] };
    const asked = historyQuerySchema.parse(query);
    twin.seen.push({ ...asked });
    const items = twin.intervals.filter(
      ({ endpoint, model, version, from, until }) =>
        (asked.endpoint ?? endpoint) === endpoint &&
        (asked.model ?? model) === model &&
        (asked.version ?? version) === version &&
        (asked.at === undefined || (from <= asked.at && (until === null || until > asked.at))),
    );
    return { items: items.slice(0, asked.limit) };
  };
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer(new URL(request.url ?? '/', 'http://twin'))));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const twin: HistoryTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    seen: [],
    intervals: [],
    fleet: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return twin;
}
