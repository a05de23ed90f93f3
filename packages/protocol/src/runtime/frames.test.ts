import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MusterError } from '../errors/index.ts';
import { type FrameLimits, FrameReader, type ReadFrame, encodeFrame } from './frames.ts';
import { giveBack } from './give-back.ts';
import { type Frame, frameKinds } from './messages.ts';

const kinds = fc.constantFrom(...Object.values(frameKinds));
const frames = fc.array(
  fc.record({
    kind: kinds,
    request: fc.nat({ max: 0xffff_ffff }),
    header: fc.option(fc.jsonValue(), { nil: undefined }),
    payload: fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }),
  }),
  { maxLength: 8 },
);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Cuts bytes at the given places. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [
    0,
    ...places.map((place) => place % (bytes.byteLength + 1)).toSorted((a, b) => a - b),
    bytes.byteLength,
  ];
  return edges.slice(1).map((edge, index) => bytes.slice(edges[index], edge));
}

function readAll(reader: FrameReader, chunks: readonly Uint8Array[]): Frame[] {
  const read: Frame[] = [];
  for (const chunk of chunks) reader.push(chunk, (frame) => read.push(frame));
  return read;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    return thrown instanceof MusterError ? thrown.code : String(thrown);
  }
  return 'nothing was thrown';
}

const small: FrameLimits = { maxHeaderBytes: 100, maxPayloadBytes: 1000 };

describe('frames of the runtime link', () => {
  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const bytes = joined(
          sent.flatMap((frame) => encodeFrame(frame.kind, frame.request, frame.header, frame.payload)),
        );
        const reader = new FrameReader();
        const read = readAll(reader, cut(bytes, places));
        expect(reader.isMidFrame).toBe(false);
        expect(
          read.map((frame) => [frame.kind, frame.request, JSON.stringify(frame.header), [...frame.payload]]),
        ).toEqual(
          sent.map((frame) => [frame.kind, frame.request, JSON.stringify(frame.header), [...joined(frame.payload)]]),
        );
      }),
    );
  });

  test('have payloads that can be read as arrays of any elements, however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, places) => {
        const bytes = joined(
          sent.flatMap((frame) => encodeFrame(frame.kind, frame.request, frame.header, frame.payload)),
        );
        for (const { payload } of readAll(new FrameReader(), cut(bytes, places)))
          if (payload.byteLength > 0) expect(payload.byteOffset % 8).toBe(0);
      }),
    );
  });

  test('keep what they were read as when all is given back that nobody needs', () => {
    const large = fc.integer({ min: 0, max: 60_000 }).map((size) => new Uint8Array(size).fill(size));
    fc.assert(
      fc.property(fc.array(large, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 10 }), (payloads, places) => {
        const bytes = joined(payloads.flatMap((payload, index) => encodeFrame(frameKinds.infer, index, {}, [payload])));
        const reader = new FrameReader();
        const read: ReadFrame[] = [];
        for (const chunk of cut(bytes, places)) if (reader.push(chunk, (frame) => read.push(frame))) giveBack(chunk);
        for (const [index, frame] of read.entries()) {
          expect(Buffer.compare(frame.payload, payloads[index] ?? Buffer.alloc(0))).toBe(0);
          giveBack(frame.memory);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('come out byte by byte too, and a broken-off stream shows', () => {
    const bytes = joined([
      ...encodeFrame(frameKinds.infer, 7, { replica: 'ä€😀' }, [new Uint8Array(3)]),
      ...encodeFrame(frameKinds.cancel, 7, undefined),
    ]);
    const reader = new FrameReader();
    const read = readAll(
      reader,
      [...bytes].map((byte) => Uint8Array.of(byte)),
    );
    expect(read.map((frame) => [frame.kind, frame.request, frame.header])).toEqual([
      [frameKinds.infer, 7, { replica: 'ä€😀' }],
      [frameKinds.cancel, 7, undefined],
    ]);
    reader.push(bytes.subarray(0, 5), () => undefined);
    expect(reader.isMidFrame).toBe(true);
  });

  test('hold the payload itself, not a copy of it', () => {
    const payload = Uint8Array.of(1, 2, 3);
    expect(encodeFrame(frameKinds.infer, 1, {}, [payload])[1]).toBe(payload);
  });

  test('give payloads as plain arrays, also from Buffers, so that `slice` copies', () => {
    const [frame] = readAll(new FrameReader(), [
      Buffer.concat(encodeFrame(frameKinds.infer, 1, {}, [Uint8Array.of(1, 2)])),
    ]);
    expect(frame?.payload.constructor).toBe(Uint8Array);
  });

  test('beyond a limit are refused before they are written', () => {
    expect(codeOf(() => encodeFrame(frameKinds.infer, 1, 'x'.repeat(101), [], small))).toBe('link_violation');
    expect(codeOf(() => encodeFrame(frameKinds.infer, 1, {}, [new Uint8Array(600), new Uint8Array(401)], small))).toBe(
      'link_violation',
    );
    expect(codeOf(() => encodeFrame(frameKinds.infer, 1, {}, [new Uint8Array(1000)], small))).toBe(
      'nothing was thrown',
    );
  });

  test.each([
    ['a payload beyond the limit', prelude(9 + 1001, frameKinds.infer, 0)],
    ['a header beyond the limit', prelude(9 + 101, frameKinds.infer, 101)],
    ['a header longer than its frame', prelude(9, frameKinds.infer, 1)],
    ['a length that does not cover the prelude', prelude(8, frameKinds.infer, 0)],
    ['an unknown kind', prelude(9, 200, 0)],
    ['kind 0', prelude(9, 0, 0)],
    ['a header that is not JSON', joined([prelude(9 + 2, frameKinds.infer, 2), new TextEncoder().encode('{]')])],
    ['a header that is not UTF-8', joined([prelude(9 + 3, frameKinds.infer, 3), Uint8Array.of(0x22, 0xff, 0x22)])],
  ])('%s breaks the link, for good', (_, bytes) => {
    const reader = new FrameReader(small);
    const good = joined(encodeFrame(frameKinds.health, 1, undefined));
    expect(codeOf(() => readAll(reader, [bytes]))).toBe('link_violation');
    expect(codeOf(() => readAll(reader, [good]))).toBe('link_violation');
  });

  test('made of random bytes end in frames, in waiting or in an error, never in anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
        expect(['link_violation', 'nothing was thrown']).toContain(
          codeOf(() => readAll(new FrameReader(small), chunks)),
        );
      }),
    );
  });

  test("an error of the reader's user does not break the link", () => {
    const reader = new FrameReader();
    const good = joined(encodeFrame(frameKinds.health, 1, undefined));
    expect(() =>
      reader.push(good, () => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(readAll(reader, [good])).toHaveLength(1);
  });
});

function prelude(length: number, kind: number, headerBytes: number): Uint8Array {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt8(kind, 4);
  bytes.writeUInt32LE(headerBytes, 9);
  return new Uint8Array(bytes);
}
