import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import type { Configuration } from '../src/config/index.ts';
import {
  type RoleContext,
  type StartedRole,
  processesTopic,
  runSupervised,
  watchProcesses,
} from '../src/platform/processes/index.ts';
import { ChannelRuntimeHost, type RunnerWish, runnersTopic } from '../src/runners/index.ts';

/** Control and gateway without anything in them, for tests of the supervisor: `twin-role.ts control|gateway --supervised`. */
const role = process.argv[2] ?? '';
runSupervised<Configuration>(role === 'control' ? startTwinControl : startTwinGateway);

function note(settings: Configuration, text: string): void {
  appendFileSync(join(settings.dataDir, 'events'), `${text}\n`);
}

/** `GET /` on its socket tells what it knows, `POST /` passes wishes on to the runtime host or begins an inspection. The environment `broken` keeps it from starting. */
async function startTwinControl({ settings, parent }: RoleContext<Configuration>): Promise<StartedRole> {
  if (settings.environment === 'broken') throw new MusterError('schema_mismatch', 'the database is of another version');
  if (parent === null) throw new Error('the twin is for the supervisor');
  const host = new ChannelRuntimeHost(parent.topic(runnersTopic), settings.runtimeDir);
  const processes = watchProcesses(parent.topic(processesTopic));
  await host.ready;
  note(settings, `control ${process.pid}`);
  const server = createServer((request, response) => {
    if (request.method !== 'POST')
      return response.end(
        JSON.stringify({
          pid: process.pid,
          runners: host.observed(),
          processes: processes(),
          isolation: host.isolation,
        }),
      );
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      const asked = JSON.parse(Buffer.concat(body).toString()) as
        | readonly RunnerWish[]
        | { readonly inspect: string; readonly digest: string };
      if ('inspect' in asked) {
        void host.inspect({ kind: 'onnx', file: asked.inspect, digest: asked.digest });
        return response.end('begun');
      }
      return void host.want(asked).then(() => response.end('noted'));
    });
    return undefined;
  });
  await new Promise<void>(
    (resolve) => void server.listen(settings.internal.controlAddress.replace('unix:', ''), resolve),
  );
  return {
    facts: { signedInAs: 'tester' },
    drain: () => {
      note(settings, 'control drained');
      return Promise.resolve();
    },
  };
}

/** Answers its pid. In the environment `slow` its drain takes a minute. */
async function startTwinGateway({ settings }: RoleContext<Configuration>): Promise<StartedRole> {
  const server = createServer((_request, response) => response.end(JSON.stringify({ pid: process.pid })));
  await new Promise<void>((resolve) => void server.listen(settings.port, settings.host, resolve));
  const address = server.address();
  note(settings, `gateway ${process.pid}`);
  return {
    facts: { port: typeof address === 'object' ? address?.port : undefined },
    drain: async () => {
      note(settings, 'gateway drains');
      await new Promise((resolve) => setTimeout(resolve, settings.environment === 'slow' ? 60_000 : 50));
      note(settings, 'gateway drained');
    },
  };
}
