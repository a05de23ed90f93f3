import { PassThrough } from 'node:stream';
import { MusterError, toProblem } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../platform/clock/index.ts';
import { createMask } from './mask-secrets.ts';
import { eachOutputLine } from './runner-output.ts';

const value = 'sesame-"open"-42';

describe('the mask of secrets', () => {
  it('blanks a value wherever it stands, as it is and as JSON, URLs and base64 write it', () => {
    const mask = createMask([value]);
    for (const form of [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
    ])
      expect(mask.text(`a ${form} b`)).toMatch(/^a •••=* b$/);
  });

  it('blanks each line of a value that has several', () => {
    const key = '-----BEGIN KEY-----\nMIIBVgIBADANBg\r\n-----END KEY-----\n';
    expect(createMask([key]).text('read MIIBVgIBADANBg and more')).toBe('read ••• and more');
  });

  it('leaves nothing of values that overlap or lie within each other', () => {
    expect(createMask(['abcdef', 'defghi', 'cdef']).text('xx abcdefghi yy cdef')).toBe('xx ••• yy •••');
  });

  it('leaves a text alone that holds none', () => {
    expect(createMask([value]).text('nothing to see')).toBe('nothing to see');
    expect(createMask([]).text(value, 6)).toBe('sesame');
  });

  it('shows no part of a value in any text, wherever that is cut', () => {
    const secret = fc.stringMatching(/^[A-Z]{8,20}$/);
    const noise = fc.stringMatching(/^[a-z ]{0,30}$/);
    fc.assert(
      fc.property(
        fc.array(secret, { minLength: 1, maxLength: 3 }),
        fc.array(noise),
        fc.nat(80),
        (values, parts, most) => {
          const text = parts.map((part, index) => part + (values[index % values.length] ?? '')).join('');
          expect(createMask(values).text(text, most)).toMatch(/^[a-z •]*$/);
        },
      ),
    );
  });

  it('blanks the beginning of a value where a message was cut within it', () => {
    const mask = createMask([value]);
    const problem = toProblem(
      new MusterError('model_unloadable', `ValueError: bad token ${value.slice(0, 9)} …`, {
        details: { seen: [value] },
      }),
    );
    expect(mask.problem(problem)).toMatchObject({ detail: 'ValueError: bad token ••• …', details: { seen: ['•••'] } });
  });
});

describe('the output of a runner that was given secrets', () => {
  /** A stream, the lines that came of it, and a clock that is moved by hand. */
  function output(...secrets: string[]) {
    const stream = new PassThrough();
    const lines: string[] = [];
    let nowMs = 0;
    const clock: Clock = { ...systemClock, now: () => nowMs };
    eachOutputLine(stream, clock, (line) => lines.push(line), secrets);
    const write = async (text: string): Promise<void> => {
      stream.write(text);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { write, lines, end: () => stream.end(), pass: (ms: number) => (nowMs += ms) };
  }

  it('is logged without them, also where a value came in two pieces, and in the last line', async () => {
    const { write, lines, end } = output(value);
    await write(`using ${value.slice(0, 5)}`);
    await write(`${value.slice(5)} now\nlast ${value}`);
    end();
    await expect.poll(() => lines).toEqual(['using ••• now', 'last •••']);
  });

  it('shows no part of a value at the place where a long line is cut', async () => {
    const { write, lines } = output('Z'.repeat(200));
    for (let before = 3890; before < 4110; before += 20) {
      await write(`${'y'.repeat(before)}${'Z'.repeat(200)}\n`);
      expect(lines.at(-1)).toMatch(/^y{3890,4096}(•••)?$/);
    }
  });

  it('shows no rest of a value whose beginning came too fast', async () => {
    const { write, lines, pass } = output(value);
    await write('x'.repeat(1024 * 1024 - 1));
    await write(`${'x'.repeat(2000)}${value.slice(0, 8)}`);
    pass(1000);
    await write(`${value.slice(8)} end\nafter\n`);
    expect(lines).toEqual([expect.stringContaining('left out'), 'after']);
  });
});
