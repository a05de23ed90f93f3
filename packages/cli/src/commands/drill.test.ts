import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type DrillSchedule,
  type Evidence,
  MusterError,
  type Operation,
  drillScheduleSchema,
  evidenceSchema,
  operationSchema,
  toProblem,
} from '@muster-ml/protocol';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

const at = '2026-11-30T10:00:00.000Z';
const by = { id: 'a1', name: 'ana' };

function operation(passed: boolean): Operation {
  return operationSchema.parse({
    id: 'o1',
    kind: 'drill',
    subject: 'endpoint/fraud',
    state: 'succeeded',
    progress: '',
    result: {
      kind: 'load',
      endpoint: 'fraud',
      model: 'fraud',
      version: 4,
      passed,
      summary: passed ? 'p95 was 12 ms at 20 requests a second' : 'p95 was 400 ms, and 200 ms are promised',
      figures: { requests: 1400, p95Ms: 12.5, errorPercent: 0, requestsPerSecond: 20 },
      evidence: 'e1',
    },
    problem: null,
    createdAt: at,
    createdBy: 'a1',
    finishedAt: at,
  });
}

const schedule: DrillSchedule = drillScheduleSchema.parse({
  endpoint: 'fraud',
  kind: 'rollback',
  everyDays: 30,
  settings: { seconds: 20, maxInFlight: 16 },
  nextAt: '2026-12-30T10:00:00.000Z',
  lastAt: null,
  lastOutcome: null,
  set: { by, at },
});
const evidence: Evidence = evidenceSchema.parse({
  id: 'e1',
  check: 'R20',
  endpoint: 'fraud',
  model: 'fraud',
  version: 4,
  source: 'drill',
  passed: true,
  summary: 'p95 was 12 ms at 20 requests a second',
  figures: {},
  at,
  by,
  entry: 7,
});

let home: Home;
let asked: string[];
let passed: boolean;
let server: ReturnType<typeof createServer>;

beforeEach(async () => {
  home = createHome();
  asked = [];
  passed = true;
  server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  home[Symbol.dispose]();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://twin');
  asked.push(`${request.method} ${pathname} ${body}`.trim());
  const send = (status: number, document?: unknown): void =>
    void response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(document === undefined ? undefined : JSON.stringify(document));
  const place = '/api/v1/endpoints/fraud';
  if (pathname === `${place}/drills`) return send(202, operation(passed));
  if (pathname === `${place}/drill-schedules`) return send(200, { items: [schedule] });
  if (pathname === `${place}/drill-schedules/rollback`)
    return request.method === 'PUT' ? send(200, schedule) : send(204);
  if (pathname === `${place}/evidence`)
    return send(200, { items: searchParams.get('check') === 'R20' ? [evidence] : [] });
  const missing = new MusterError('drill_schedule_not_found', 'no load drill of fraud is done by itself');
  response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(toProblem(missing, 'r')));
}

async function muster(line: string): Promise<Ended> {
  const { port } = server.address() as AddressInfo;
  const env = { MUSTER_SERVER: `http://127.0.0.1:${port}`, MUSTER_TOKEN: 'a-token-of-the-twin' };
  return await home.run(line.split(' '), { env });
}

test('a drill prints its figures with their units', async () => {
  const { stdout, stderr, code } = await muster('drill load fraud --seconds 5 --rate 90/m --in-flight 4');
  expect(code).toBe(0);
  expect(asked[0]).toBe(
    'POST /api/v1/endpoints/fraud/drills {"kind":"load","seconds":5,"maxInFlight":4,"requestsPerSecond":1.5}',
  );
  expect(stderr).toContain('passed: p95 was 12 ms at 20 requests a second');
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ['FIGURE', 'VALUE'],
    ['version', 'fraud:4'],
    ['requests', '1,400'],
    ['p95', '12.5 ms'],
    ['error', '0 %'],
    ['requests per second', '20'],
  ]);
});

test('a drill that the endpoint did not hold exits with 1, and a program gets what was found', async () => {
  passed = false;
  const { stdout, code } = await muster('drill failover fraud --json');
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ passed: false, evidence: 'e1', figures: { p95Ms: 12.5 } });
});

test.each([
  ['drill load fraud --seconds 1', '--seconds'],
  ['drill load fraud --seconds 601', '--seconds 600'],
  ['drill load fraud --in-flight 257', '--in-flight 256'],
  ['drill load fraud --rate 5', '--rate 5/s'],
  ['drill schedule fraud fire --every 30d', 'load, failover or rollback'],
  ['drill schedule fraud load --every 5h', '--every 30d'],
])('%s is refused before anything is sent, with what to write', async (line, remedy) => {
  const { code, stderr } = await muster(line);
  expect([code, asked]).toEqual([64, []]);
  expect(stderr).toContain(remedy);
});

test('a schedule is set, and ended; one that is not there is an error', async () => {
  const set = await muster('drill schedule fraud rollback --every 30d');
  expect([set.code, asked[0]]).toEqual([
    0,
    'PUT /api/v1/endpoints/fraud/drill-schedules/rollback {"everyDays":30,"settings":{"seconds":20,"maxInFlight":16}}',
  ]);
  expect(set.stderr).toContain('every 30 days');
  expect((await muster('drill unschedule fraud rollback')).code).toBe(0);
  const missing = await muster('drill unschedule fraud load');
  expect(missing.code).toBe(6);
  expect(missing.stderr).toContain('no load drill of fraud is done by itself');
});

test('the list names each kind, what the newest found, and when the next is due', async () => {
  const { stdout } = await muster('drill list fraud');
  const [title, load, failover, rollback] = stdout.split('\n');
  expect(title).toMatch(/^DRILL +CHECK +LAST +HELD +FOUND +EVERY +NEXT$/);
  expect(load).toMatch(/^load +R20 +2026-11-30\S+ +yes +p95 was 12 ms at 20 requests a second +- +-$/);
  expect(failover).toMatch(/^failover +R21 +never +- +- +- +-$/);
  expect(rollback).toMatch(/^rollback +R22 +never +- +- +30 d +2026-12-30\S+$/);
});
