import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RoadTimes, type TimeToProduction, roadStages, timeToProductionSchema } from '@muster-ml/protocol';

/** A server that knows how things went and nothing else, from memory. */
export interface InsightsTwin {
  readonly url: string;
  readonly token: string;
  /** Queries as they came in. */
  readonly seen: Readonly<Record<string, string>>[];
  report: TimeToProduction;
  close(): Promise<void>;
}

const dayMs = 86_400_000;

/** Times of `count` endpoints: each stage has so many days and such a share. */
export function twinTimes(count: number, days: readonly number[], totalDays = 30): RoadTimes {
  const all = days.reduce((sum, each) => sum + each, 0);
  return {
    total: { count, medianMs: count === 0 ? null : totalDays * dayMs, p90Ms: count === 0 ? null : 50 * dayMs },
    stages: (Object.keys(roadStages) as (keyof typeof roadStages)[]).map((stage, at) => {
      const ms = count === 0 ? null : (days[at] ?? 0) * dayMs;
      return {
        stage,
        waitsFor: roadStages[stage].waitsFor,
        count,
        medianMs: ms,
        p90Ms: ms,
        share: count === 0 ? null : (days[at] ?? 0) / all,
      };
    }),
  };
}

export const noTimes: TimeToProduction = {
  all: twinTimes(0, []),
  newcomers: twinTimes(0, []),
  teams: [],
  waiting: [],
  waitingCount: 0,
};

export async function startInsightsTwin(): Promise<InsightsTwin> {
  const server = createServer((request, response) => {
    twin.seen.push(Object.fromEntries(new URL(request.url ?? '/', 'http://twin').searchParams));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(timeToProductionSchema.parse(twin.report)));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const twin: InsightsTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    seen: [],
    report: noTimes,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
  return twin;
}
