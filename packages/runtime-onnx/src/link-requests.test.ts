import { linkVersion } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { replicaOptions } from '../test-support/link-client.ts';
import { readHello, readInferHeader, readLoadRequest, readReplicaId } from './link-requests.ts';

const violation = expect.objectContaining({ code: 'link_violation' }) as Error;

describe('what a peer says', () => {
  test('is read where it is whole', () => {
    expect(readHello({ link: linkVersion, role: 'gateway', software: 'muster/1' })).toEqual({
      link: linkVersion,
      role: 'gateway',
      software: 'muster/1',
    });
    const load = { replica: 'r', file: '/m.onnx', options: replicaOptions };
    expect(readLoadRequest({ ...load, more: 1 })).toEqual(load);
    expect(readInferHeader({ replica: 'r', inputs: [], outputs: null })).toEqual({ replica: 'r', inputs: [] });
    expect(readInferHeader({ replica: 'r', inputs: [], outputs: ['y'] })).toEqual({
      replica: 'r',
      inputs: [],
      outputs: ['y'],
    });
  });

  test('in another version names both', () => {
    expect(() => readHello({ link: 99, role: 'host' })).toThrow(
      `the host speaks version 99 of the runtime link, this runner version ${linkVersion}`,
    );
  });

  test.each([
    { intraOpThreads: '1' },
    { memoryArena: undefined },
    { executionProviders: 'cpu' },
    { executionProviders: [1] },
    { graphOptimization: 'most' },
  ])('with the option %j is refused', (change) => {
    expect(() => readLoadRequest({ replica: 'r', file: '/m.onnx', options: { ...replicaOptions, ...change } })).toThrow(
      violation,
    );
  });

  test('is refused as a violation of the link, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(readHello, readReplicaId, readLoadRequest, readInferHeader),
        (header, read) => {
          try {
            read(header);
          } catch (thrown) {
            expect(thrown).toEqual(violation);
          }
        },
      ),
    );
  });
});
