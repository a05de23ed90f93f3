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
import type { InspectionEnd, InspectionHost, RunnerObservation, RunnerWish, RuntimeHost } from './runtime-host.ts';

/** A host that has what it was asked for at once, and whose inspections end when they are told to. */
class EagerHost implements RuntimeHost, InspectionHost {
  readonly isolation = { level: 'none', advice: 'none here' };
  readonly wanted: (readonly RunnerWish[])[] = [];
  readonly inspections = new Map<string, PromiseWithResolvers<InspectionEnd>>();
  #watcher: () => void = () => {};

  inspect(file: string, digest: string, signal?: AbortSignal): Promise<InspectionEnd> {
    const end = Promise.withResolvers<InspectionEnd>();
    signal?.addEventListener('abort', () => end.resolve({ outcome: 'cancelled', detail: 'as asked' }));
    this.inspections.set(`${file} ${digest}`, end);
    return end.promise;
  }

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
  const starting = Promise.withResolvers<RuntimeHost & InspectionHost>();
  serveRuntimeHost({ topic: parent.topic<HostRequest, HostReport>(runnersTopic), onEnd: () => {} }, starting.promise);
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

/** Control and the supervisor, with what ends the one before the other. */
async function connected() {
  const { parent, child } = channelPair();
  const host = new EagerHost();
  let endControl = (): void => {};
  serveRuntimeHost(
    { topic: parent.topic<HostRequest, HostReport>(runnersTopic), onEnd: (callback) => (endControl = callback) },
    Promise.resolve(host),
  );
  const newControl = async (): Promise<ChannelRuntimeHost> => {
    const control = new ChannelRuntimeHost(child.topic<HostReport, HostRequest>(runnersTopic), '/run/muster');
    await control.ready;
    return control;
  };
  const begun = async (name: string) => await eventually(() => host.inspections.get(name));
  return { control: await newControl(), newControl, endControl: () => endControl(), begun };
}

test('each inspection gets its own end, in whatever order they come', async () => {
  const { control, begun } = await connected();
  const [one, two] = [control.inspect('one', 'd'), control.inspect('two', 'd')];
  (await begun('two d')).resolve({ outcome: 'done', text: '2' });
  expect(await two).toEqual({ outcome: 'done', text: '2' });
  (await begun('one d')).resolve({ outcome: 'failed', detail: 'exit code 1' });
  expect(await one).toEqual({ outcome: 'failed', detail: 'exit code 1' });
});

test('an inspection that control cancels ends for it at once, and on the host', async () => {
  const { control, begun } = await connected();
  const abort = new AbortController();
  const end = control.inspect('one', 'd', abort.signal);
  const { promise } = await begun('one d');
  abort.abort();
  expect(await end).toMatchObject({ outcome: 'cancelled' });
  expect(await promise).toMatchObject({ outcome: 'cancelled' });
  expect(await control.inspect('never', 'd', abort.signal)).toMatchObject({ outcome: 'cancelled' });
});

test('inspections end with the control that asked for them, and the next one hears nothing of them', async () => {
  const { control, newControl, endControl, begun } = await connected();
  void control.inspect('one', 'd');
  const { promise } = await begun('one d');
  endControl();
  const next = await newControl();
  // Its first inspection has the number that the last control's had.
  const end = next.inspect('two', 'd');
  expect(await promise).toMatchObject({ outcome: 'cancelled' });
  (await begun('two d')).resolve({ outcome: 'done', text: '2' });
  expect(await end).toEqual({ outcome: 'done', text: '2' });
});
