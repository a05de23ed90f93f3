import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { MusterError } from '@muster-ml/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowedCores, backgroundWords, cpuLimitWords, defaultPythonMemoryBytes, pythonLimits } from './limits.ts';

const tools = { bwrap: true, unshare: true, setpriv: true, taskset: true, landlock: null };
const cores = [4, 5, 6, 7];

test('a limit of whole cores pins to that many different cores of those that we may use', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.nat(), (cpu, spread) => {
      const [command, flag, list = ''] = cpuLimitWords(cpu, spread, tools, cores);
      const pinned = list.split(',').map(Number);
      expect([command, flag]).toEqual(['taskset', '--cpu-list']);
      expect(new Set(pinned).size).toBe(cpu);
      expect(pinned.every((core) => cores.includes(core))).toBe(true);
    }),
  );
});

test('no limit, or one that the machine cannot exceed, needs nothing', () => {
  expect(cpuLimitWords(undefined, 0, tools, cores)).toEqual([]);
  expect(cpuLimitWords(4, 0, tools, cores)).toEqual([]);
  expect(cpuLimitWords(7.5, 0, tools, cores)).toEqual([]);
});

test('a limit that cannot be enforced is refused, never ignored', () => {
  const code = (action: () => unknown): string | undefined => {
    try {
      action();
    } catch (error) {
      return error instanceof MusterError ? error.code : undefined;
    }
    return undefined;
  };
  expect(code(() => cpuLimitWords(1.5, 0, tools, cores))).toBe('limit_not_enforceable');
  expect(code(() => cpuLimitWords(1, 0, { ...tools, taskset: false }, cores))).toBe('limit_not_enforceable');
});

test('this machine has cores that we may use', () => {
  expect(allowedCores().length).toBeGreaterThan(0);
});

test('what runs in the background is as nice as can be', async () => {
  const [command = '', ...words] = backgroundWords;
  const { stdout } = await promisify(execFile)(command, [...words, 'nice']);
  expect(stdout.trim()).toBe('19');
});

test('a Python runner may take 4 GiB where nothing is said, and never more than half of the machine', () => {
  expect(defaultPythonMemoryBytes(64 * 1024 ** 3)).toBe(4 * 1024 ** 3);
  expect(defaultPythonMemoryBytes(2 * 1024 ** 3)).toBe(1024 ** 3);
});

test('processes are limited where the kernel counts those of the cage alone; elsewhere the limit would be for all of ours', () => {
  const limits = (level: 'namespaces' | 'uid' | 'landlock' | 'none', uid: number | null) =>
    pythonLimits({ memoryBytes: 1024 ** 3, scratchBytes: 10, isolation: { level }, uid });
  expect(limits('uid', 61_184).nproc).toBe(256);
  expect(limits('namespaces', null).nproc).toBe(256);
  expect(limits('landlock', null).nproc).toBeUndefined();
  expect(limits('none', null)).toEqual({ core: 0, nofile: 1024, fsize: 10, data: 4 * 1024 ** 3 });
});
