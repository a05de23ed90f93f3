import { expect, test } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { channelPair } from '../platform/processes/index.ts';
import {
  ChannelRuntimeHost,
  type HostReport,
  type HostRequest,
  runnersTopic,
  serveRuntimeHost,
} from './channel-runtime-host.ts';
import type { RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';

/** A host that has what it was asked for at once. */
class EagerHost implements RuntimeHost {
  readonly isolation = { level: 'none', advice: 'none here' };
  readonly wanted: (readonly RunnerWish[])[] = [];
  #watcher: () => void = () => {};

  want(wishes: readonly RunnerWish[]): Promise<void> {
    this.wanted.push(wishes);
    this.#watcher();
    return Promise.resolve();
  }

  observed(): readonly RunnerObservation[] {
    const rest = {
      state: 'running',
      pid: 1,
      address: 'unix:/s',
      startedAt: 1,
      restarts: 0,
      rssBytes: 1,
      cpuMicros: 1,
      isolation: 'none',
      replicas: [],
    } as const;
    return (this.wanted.at(-1) ?? []).map(({ id }) => ({ id, ...rest }));
  }

  addressOf(): string {
    return 'unix:/s';
  }

  onChange(callback: () => void): () => void {
    this.#watcher = callback;
    return () => {};
  }
}

const wish = (id: string): RunnerWish => ({
  id,
  runtime: 'onnx',
  team: 'default',
  kind: 'pack',
  limits: {},
  replicas: [],
});

test('control sees through the channel what the host has; a host that starts later answers what was asked before', async () => {
  const { parent, child } = channelPair();
  const starting = Promise.withResolvers<RuntimeHost>();
  serveRuntimeHost(parent.topic<HostRequest, HostReport>(runnersTopic), starting.promise);
  const seen = new ChannelRuntimeHost(child.topic<HostReport, HostRequest>(runnersTopic), '/run/muster');
  expect(seen.isolation.level).toBe('unknown');
  const host = new EagerHost();
  starting.resolve(host);
  await seen.ready;
  expect(seen.isolation).toEqual(host.isolation);

  let changes = 0;
  const end = seen.onChange(() => (changes += 1));
  for (let index = 0; index < 50; index += 1) await seen.want([wish(`runner-${index}`)]);
  await eventually(() => seen.observed()[0]?.id === 'runner-49');
  // Fifty changes in a moment are told as few.
  expect(changes).toBeLessThan(10);
  end();
});

test('an address is known before its runner is, always the same, and short whatever the id is', () => {
  const { child } = channelPair();
  const host = new ChannelRuntimeHost(child.topic<HostReport, HostRequest>(runnersTopic), `/run/${'x'.repeat(55)}`);
  const address = host.addressOf('../../etc/'.repeat(100));
  expect(address).toBe(host.addressOf('../../etc/'.repeat(100)));
  expect(address).toMatch(/^unix:\/run\/x{55}\/r-[0-9a-f]{12}\/s$/);
  expect(Buffer.byteLength(address) - 'unix:'.length).toBeLessThanOrEqual(107);
});
