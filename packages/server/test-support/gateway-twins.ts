import { createHash } from 'node:crypto';
import { type IncomingMessage, type ServerResponse, request as httpRequest } from 'node:http';
import { vi } from 'vitest';
import type { Reach, TokenGrant } from '../src/identity/index.ts';
import { type Gateway, type GatewayValues, createGateway } from '../src/serving/gateway-server.ts';
import { type FakeControl, createFakeControl } from './fake-control.ts';
import { type FakeModel, type FakeRunner, createFakeRunner } from './fake-runner.ts';
import { aDeployment, aTable, anEndpoint, numbers, silentLog, valuesOf } from './serving-twins.ts';

/** Reaches every endpoint. */
export const token = `mstp_${'a'.repeat(49)}`;
/** Reaches another endpoint only. */
export const narrow = `mstp_${'b'.repeat(49)}`;
const everything: Reach = { teams: '*', endpoints: [] };
const other: Reach = { teams: [], endpoints: ['other'] };
export const grants: readonly TokenGrant[] = [
  { digest: digestOf(token), tokenId: 't1', actor: 'a', expiresAt: null, see: everything, predict: everything },
  { digest: digestOf(narrow), tokenId: 't2', actor: 'b', expiresAt: null, see: other, predict: other },
];

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A model that doubles its numbers. */
export const doubled: FakeModel = (inputs) => [
  numbers(
    valuesOf(inputs[0]).map((value) => value * 2),
    'output',
  ),
];
/** How tests wait for something to become true. */
export const until = { interval: 5, timeout: 5000 };

const ends: (() => Promise<void>)[] = [];

/** Has this done when the test ends, in reverse order. */
export function atEnd(end: () => Promise<void>): void {
  ends.push(end);
}

/** Ends what was started: for `afterEach`. */
export async function endGateways(): Promise<void> {
  for (const end of ends.splice(0).toReversed()) await end();
}

export interface System {
  readonly gateway: Gateway;
  readonly control: FakeControl;
  readonly runner: FakeRunner;
}

/** A gateway that serves endpoint `e`, with its runner and its control; `handle` is control's answer to everything else. */
export async function aSystem(
  model: FakeModel = doubled,
  handle?: (request: IncomingMessage, response: ServerResponse) => void,
  overrides: Partial<GatewayValues> = {},
): Promise<System> {
  const control = createFakeControl(handle);
  await control.start();
  ends.push(() => control.stop());
  const runner = createFakeRunner({ replicas: { 'd-0': model } });
  await runner.start();
  ends.push(() => runner.stop());
  control.hub.publish(aTable(1, [anEndpoint('e', [aDeployment('d', runner.address)])], { tokens: grants }));
  return { control, runner, gateway: await aGateway(control, overrides) };
}

/** A gateway that has a routing table. */
export async function aGateway(control: FakeControl, overrides: Partial<GatewayValues> = {}): Promise<Gateway> {
  const gateway = createGateway({
    ...valuesFor(control),
    gatewayId: 'g1',
    tableFile: `${control.folder}/routing.json`,
    ...overrides,
  });
  ends.push(() => gateway.stop());
  await gateway.start();
  await vi.waitUntil(() => gateway.isReady, until);
  return gateway;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One request on a connection of its own. */
export async function call(
  gateway: Gateway,
  method: string,
  path: string,
  options: { readonly headers?: Record<string, string>; readonly body?: string | Buffer } = {},
): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(
      `${gateway.address}${path}`,
      { method, headers: options.headers ?? {}, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}

/** Asks endpoint `e` for the double of a number. */
export async function infer(gateway: Gateway, value: number, bearer = token): Promise<Answer> {
  const body = JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP64', shape: [1, 1], data: [value] }] });
  return await call(gateway, 'POST', '/v2/models/e/infer', { headers: { authorization: `Bearer ${bearer}` }, body });
}

/** What a gateway needs to run, with short names. */
export function valuesFor(control: FakeControl): GatewayValues {
  return {
    host: '127.0.0.1',
    port: 0,
    trustedProxies: [],
    control: { address: control.address, token: control.token },
    gatewayId: 'g2',
    tableFile: `${control.folder}/other.json`,
    staleAuthLimitMs: 60_000,
    softwareVersion: '0.0.0',
    faceLimits: { bodyTimeoutMs: 10_000, bodyBytesInFlight: 1e9 },
    newRequestId: () => 'new-id',
    log: silentLog,
  };
}
