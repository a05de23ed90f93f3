import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/platform/clock/index.ts';
import { type MountedGatewayHub, createGatewayHub } from '../src/serving/gateway-hub.ts';
import { silentLog } from './serving-twins.ts';

/** Control as gateways see it: the real hub on a Unix socket, and a handler of the test's own for everything else. */
export interface FakeControl {
  readonly folder: string;
  readonly address: string;
  readonly token: string;
  hub: MountedGatewayHub;
  start(): Promise<void>;
  /** Dies as `kill -9` would; `start` brings a new one, with a hub that knows nothing. */
  kill(): void;
  stop(): Promise<void>;
}

export function createFakeControl(
  handle: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end('control'),
): FakeControl {
  const folder = mkdtempSync(join(tmpdir(), 'muster-control-'));
  const token = 'internal-token-of-the-test';
  let server: Server | undefined;
  const newHub = (): MountedGatewayHub => createGatewayHub({ token, clock: systemClock, log: silentLog });
  const control: FakeControl = {
    folder,
    token,
    address: `unix:${folder}/c`,
    hub: newHub(),
    start: async () => {
      control.hub = newHub();
      const starting = createServer((request, response) => {
        if (request.url === '/internal/v1/routing') control.hub.handleRouting(request, response);
        else if (request.url === '/internal/v1/reports') void control.hub.handleReports(request, response);
        else handle(request, response);
      });
      server = starting;
      rmSync(`${folder}/c`, { force: true });
      await new Promise<void>((resolve) => starting.listen(`${folder}/c`, resolve));
    },
    kill: () => {
      server?.close();
      server?.closeAllConnections();
      server = undefined;
    },
    stop: async () => {
      control.hub.close();
      control.kill();
      await new Promise<void>((resolve) => setImmediate(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return control;
}
