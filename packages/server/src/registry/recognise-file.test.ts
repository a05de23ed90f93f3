import { describe, expect, test } from 'vitest';
import { type FileEnds, recogniseFile, tailBytes } from './recognise-file.ts';

const ends = (bytes: Uint8Array): FileEnds => ({ head: bytes, tail: bytes.subarray(-tailBytes) });
const text = (content: string): FileEnds => ends(new TextEncoder().encode(content));
const bytes = (...content: number[]): FileEnds => ends(Uint8Array.from([...content, ...new Array<number>(40).fill(7)]));

/** A tar whose first entry is a folder. */
const tar = (): FileEnds => {
  const block = new Uint8Array(1024);
  block.set(new TextEncoder().encode('model/'));
  block.set(new TextEncoder().encode('ustar'), 257);
  return ends(block);
};

describe('a file goes to the inspection that can say most about it', () => {
  test.each<[string, FileEnds]>([
    ['a pickle of protocol 4', bytes(0x80, 4, 0x95)],
    ['a pickle of protocol 2', bytes(0x80, 2, 0x63)],
    ['a pickle of protocol 0', text('ccopy_reg\n_reconstructor\np0\n.')],
    ['a pickle of protocol 1', text('(cmodel\nChurn\no.')],
    ['joblib with gzip', bytes(0x1f, 0x8b, 8)],
    ['joblib with zlib', bytes(0x78, 0x9c)],
    ['joblib with bzip2', text('BZh91AY&SY')],
    ['joblib with xz', bytes(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
    ['joblib with lz4', bytes(0x04, 0x22, 0x4d, 0x18)],
    ['a zip', bytes(0x50, 0x4b, 3, 4)],
    ['a tar', tar()],
    ['JSON', text('{"learner":{}}')],
    ['JSON behind white space', text('\n  {"learner":{}}')],
    ['UBJSON', text('{L\0\0\0')],
    ['LightGBM', text('tree\nversion=v4\n')],
    ['CatBoost', text('CBM1xxxx')],
    ['an old XGBoost', text('binf\0\0')],
    ['an old XGBoost as text', text('bs64\t')],
    ['safetensors', ends(Uint8Array.from([0x08, 1, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0x61]))],
  ])('%s is for Python', (_name, file) => {
    expect(recogniseFile(file)).toBe('python');
  });

  test.each<[string, FileEnds]>([
    ['with its version first', bytes(0x08, 0x0a, 0x12, 4)],
    ['with its producer first', bytes(0x12, 4, 0x74, 0x65)],
    ['with its operators first, of a length that is a letter', bytes(0x42, 0x04, 0x0a, 0, 0x10, 21)],
    ['with its graph first', bytes(0x3a, 0x7b, 0x0a, 0x10)],
  ])('ONNX %s stays ONNX', (_name, file) => {
    expect(recogniseFile(file)).toBe('onnx');
  });

  test.each<[string, FileEnds]>([
    ['nothing', ends(new Uint8Array())],
    ['one byte', ends(Uint8Array.of(0x80))],
    ['text', text('age,income\n1,2\n')],
    ['a page', text('<!DOCTYPE html>')],
  ])('what nobody knows is tried as ONNX, which says what is wrong: %s', (_name, file) => {
    expect(recogniseFile(file)).toBe('onnx');
  });
});
