import { describe, expect, test } from 'vitest';
import { createSharedWork } from './shared-work.ts';

const quiet = (): void => {};

/** Work that ends when it is told to, and knows whether it was begun and aborted. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const state = { begun: 0, isAborted: false };
  const work = (_tell: (text: string) => void, signal: AbortSignal): Promise<string> => {
    state.begun += 1;
    signal.addEventListener('abort', () => {
      state.isAborted = true;
      reject(signal.reason as Error);
    });
    return promise;
  };
  return { work, state, resolve, reject };
}

describe('work that several wait for', () => {
  test('is done once, and all get its answer', async () => {
    const shared = createSharedWork<string>(2);
    const { work, state, resolve } = held();
    const answers = [shared.do('a', work, quiet), shared.do('a', work, quiet)];
    expect(shared.isUnderWay('a')).toBe(true);
    resolve('done');
    expect(await Promise.all(answers)).toEqual(['done', 'done']);
    expect(state.begun).toBe(1);
    expect(shared.isUnderWay('a')).toBe(false);
  });

  test('its failure reaches all, and the next who asks tries again', async () => {
    const shared = createSharedWork<string>(1);
    const first = held();
    const answers = [shared.do('a', first.work, quiet), shared.do('a', first.work, quiet)];
    first.reject(new Error('no'));
    for (const answer of answers) await expect(answer).rejects.toThrow('no');
    expect(await shared.do('a', () => Promise.resolve('yes'), quiet)).toBe('yes');
  });

  test('goes on while anybody waits, and is ended when nobody does', async () => {
    const shared = createSharedWork<string>(1);
    const { work, state } = held();
    const aborts = [new AbortController(), new AbortController()];
    const answers = aborts.map(async ({ signal }) => await shared.do('a', work, quiet, signal));
    aborts[0]?.abort(new Error('first left'));
    await expect(answers[0]).rejects.toThrow('first left');
    expect(state.isAborted).toBe(false);
    aborts[1]?.abort(new Error('second left'));
    await expect(answers[1]).rejects.toThrow('second left');
    expect(state.isAborted).toBe(true);
  });

  test('waits for its turn, says so, and who comes later hears where it is', async () => {
    const shared = createSharedWork<string>(1);
    const [first, second] = [held(), held()];
    const heard: string[] = [];
    const a = shared.do('a', first.work, quiet);
    const b = shared.do('b', second.work, (text) => heard.push(text));
    await Promise.resolve();
    expect(second.state.begun).toBe(0);
    first.resolve('1');
    expect(await a).toBe('1');
    const late: string[] = [];
    const c = shared.do('b', second.work, (text) => late.push(text));
    second.resolve('2');
    expect(await Promise.all([b, c])).toEqual(['2', '2']);
    expect(heard).toEqual(['waiting for other environments that are being made']);
    expect(late).toEqual(heard);
  });

  test('ends with all the rest', async () => {
    const shared = createSharedWork<string>(1);
    const works = [held(), held()];
    const answers = works.map(({ work }, index) => shared.do(String(index), work, quiet).catch(() => 'ended'));
    await shared.stop();
    expect(await Promise.all(answers)).toEqual(['ended', 'ended']);
    expect(works[1]?.state.begun).toBe(0);
  });
});
