import { describe, expect, test } from 'vitest';
import type { RunnerWish, RuntimeHost } from './runtime-host.ts';
import { shareRuntimeHost } from './shared-runtime-host.ts';

const wish = (id: string): RunnerWish => ({ id, runtime: 'onnx', team: 't', kind: 'own', limits: {}, replicas: [] });

/** A host that notes what it is told; it fails while it is told to. */
function twin() {
  const told: string[][] = [];
  const state = { isBroken: false, isolation: { level: 'unknown', advice: '' } };
  const host: RuntimeHost = {
    want: async (wishes) => {
      if (state.isBroken) throw new Error('the channel is closed');
      told.push(wishes.map(({ id }) => id));
      await Promise.resolve();
    },
    observed: () => [],
    addressOf: (runner) => `unix:/${runner}`,
    onChange: () => () => {},
    get isolation() {
      return state.isolation;
    },
  };
  return { host, told, state };
}

describe('a runtime host that several owners share', () => {
  test('is told nothing before every owner has given its first list: what runs for the others would be ended', async () => {
    const { host, told } = twin();
    const shared = shareRuntimeHost(host);
    const [deployments, scoring] = [shared.forOwner('deployments'), shared.forOwner('scoring')];
    const early = deployments.want([wish('a')]);
    await Promise.resolve();
    expect(told).toEqual([]);
    await scoring.want([]);
    await early;
    expect(told).toEqual([['a']]);
  });

  test("an owner replaces its own part only, and a list may be replaced before the others' first", async () => {
    const { host, told } = twin();
    const shared = shareRuntimeHost(host);
    const [deployments, scoring] = [shared.forOwner('deployments'), shared.forOwner('scoring')];
    const early = [deployments.want([wish('a')]), deployments.want([wish('b')])];
    await scoring.want([wish('s')]);
    await Promise.all(early);
    await deployments.want([]);
    await scoring.want([]);
    expect(told).toEqual([['b', 's'], ['s'], []]);
  });

  test('who waited hears of a failure, and may try again', async () => {
    const { host, told, state } = twin();
    const shared = shareRuntimeHost(host);
    const [deployments, scoring] = [shared.forOwner('deployments'), shared.forOwner('scoring')];
    const early = deployments.want([wish('a')]).catch((error: unknown) => error);
    state.isBroken = true;
    await expect(scoring.want([])).rejects.toThrow('the channel is closed');
    expect(await early).toBeInstanceOf(Error);
    state.isBroken = false;
    await deployments.want([wish('a')]);
    expect(told).toEqual([['a']]);
  });

  test('one owner alone waits for nobody, and a name has one owner', async () => {
    const { host, told, state } = twin();
    const shared = shareRuntimeHost(host);
    const only = shared.forOwner('deployments');
    await only.want([wish('a')]);
    expect(told).toEqual([['a']]);
    state.isolation = { level: 'namespaces', advice: 'a' };
    expect(only.isolation.level).toBe('namespaces');
    expect(() => shared.forOwner('deployments')).toThrow('already');
  });
});
