import { type EnvironmentSpec, MusterError } from '@muster-ml/protocol';
import { expect, test } from 'vitest';
import { eventually } from '../../test-support/eventually.ts';
import { channelPair } from '../platform/processes/index.ts';
import {
  ChannelRuntimeHost,
  type HostReport,
  type HostRequest,
  type Hosts,
  runnersTopic,
  serveRuntimeHost,
} from './channel-runtime-host.ts';
import type {
  EnvironmentHost,
  EnvironmentWish,
  InspectionEnd,
  InspectionHost,
  InspectionRequest,
  RunnerEnder,
  RunnerObservation,
  RunnerWish,
  RuntimeHost,
} from './runtime-host.ts';

interface Making {
  readonly onProgress: (text: string) => void;
  readonly end: PromiseWithResolvers<EnvironmentSpec>;
}

/** A host that has what it was asked for at once, and whose inspections and environments end when they are told to. */
class EagerHost implements RuntimeHost, InspectionHost, EnvironmentHost, RunnerEnder {
  readonly isolation = { level: 'none', advice: 'none here' };
  readonly wanted: (readonly RunnerWish[])[] = [];
  readonly inspections = new Map<string, PromiseWithResolvers<InspectionEnd>>();
  readonly makings: Making[] = [];
  kept: readonly EnvironmentSpec[] = [];
  readonly ended: (readonly [runner: string, reason: string])[] = [];
  #watcher: () => void = () => {};

  makeEnvironment(
    _wish: EnvironmentWish,
    onProgress: (text: string) => void,
    signal?: AbortSignal,
  ): Promise<EnvironmentSpec> {
    const end = Promise.withResolvers<EnvironmentSpec>();
    signal?.addEventListener('abort', () => end.reject(new Error('as asked')));
    this.makings.push({ onProgress, end });
    return end.promise;
  }

  keepEnvironments(specs: readonly EnvironmentSpec[]): Promise<void> {
    this.kept = specs;
    return Promise.resolve();
  }

  endRunner(runner: string, reason: string): Promise<void> {
    this.ended.push([runner, reason]);
    return Promise.resolve();
  }

  inspect({ file, digest }: InspectionRequest, signal?: AbortSignal): Promise<InspectionEnd> {
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
  const starting = Promise.withResolvers<Hosts>();
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
  return { host, control: await newControl(), newControl, endControl: () => endControl(), begun };
}

test('a runner that control wants ended is ended on the host, with the reason', async () => {
  const { host, control } = await connected();
  await control.endRunner('r', 'a drill');
  expect(host.ended).toEqual([['r', 'a drill']]);
});

test('each inspection gets its own end, in whatever order they come', async () => {
  const { control, begun } = await connected();
  const [one, two] = [
    control.inspect({ kind: 'onnx', file: 'one', digest: 'd' }),
    control.inspect({ kind: 'onnx', file: 'two', digest: 'd' }),
  ];
  (await begun('two d')).resolve({ outcome: 'done', text: '2' });
  expect(await two).toEqual({ outcome: 'done', text: '2' });
  (await begun('one d')).resolve({ outcome: 'failed', detail: 'exit code 1' });
  expect(await one).toEqual({ outcome: 'failed', detail: 'exit code 1' });
});

test('an inspection that control cancels ends for it at once, and on the host', async () => {
  const { control, begun } = await connected();
  const abort = new AbortController();
  const end = control.inspect({ kind: 'onnx', file: 'one', digest: 'd' }, abort.signal);
  const { promise } = await begun('one d');
  abort.abort();
  expect(await end).toMatchObject({ outcome: 'cancelled' });
  expect(await promise).toMatchObject({ outcome: 'cancelled' });
  expect(await control.inspect({ kind: 'onnx', file: 'never', digest: 'd' }, abort.signal)).toMatchObject({
    outcome: 'cancelled',
  });
});

test('inspections end with the control that asked for them, and the next one hears nothing of them', async () => {
  const { control, newControl, endControl, begun } = await connected();
  void control.inspect({ kind: 'onnx', file: 'one', digest: 'd' });
  const { promise } = await begun('one d');
  endControl();
  const next = await newControl();
  // Its first inspection has the number that the last control's had.
  const end = next.inspect({ kind: 'onnx', file: 'two', digest: 'd' });
  expect(await promise).toMatchObject({ outcome: 'cancelled' });
  (await begun('two d')).resolve({ outcome: 'done', text: '2' });
  expect(await end).toEqual({ outcome: 'done', text: '2' });
});

const spec: EnvironmentSpec = { python: '3.11', requirements: ['numpy==2.4.6'] };

test('who asked for an environment hears how it goes, and gets what was made or why nothing was', async () => {
  const { host, control } = await connected();
  const said: string[] = [];
  const first = control.makeEnvironment({ requirements: ['numpy'] }, (text) => said.push(text));
  const second = control.makeEnvironment({ requirements: ['numpy<0'] }, () => {});
  const [one, two] = await eventually(() => host.makings.length === 2 && host.makings);
  one?.onProgress('Resolving 1 package');
  one?.end.resolve(spec);
  two?.end.reject(new MusterError('environment_unresolvable', 'there is no numpy<0', { place: 'numpy<0' }));
  expect(await first).toEqual(spec);
  expect(said).toEqual(['Resolving 1 package']);
  await expect(second).rejects.toMatchObject({ code: 'environment_unresolvable', place: 'numpy<0' });
});

test('an environment that control cancels ends for it at once with its reason, and on the host', async () => {
  const { host, control } = await connected();
  const abort = new AbortController();
  const making = control.makeEnvironment({ requirements: [] }, () => {}, abort.signal);
  const [begun] = await eventually(() => host.makings.length === 1 && host.makings);
  abort.abort(new MusterError('request_cancelled', 'changed my mind'));
  await expect(making).rejects.toThrow('changed my mind');
  await expect(begun?.end.promise).rejects.toThrow('as asked');
});

test('which environments are kept reaches the host', async () => {
  const { host, control } = await connected();
  await control.keepEnvironments([spec]);
  expect(host.kept).toEqual([spec]);
});
