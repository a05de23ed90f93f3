import type { BackupManifest } from '@muster-ml/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseManifest, sealManifest } from './manifest.ts';

const digest = 'a'.repeat(64);
const manifest: BackupManifest = sealManifest({
  format: 1,
  name: '2026-11-30T10-00-00-000Z',
  madeAt: '2026-11-30T10:00:00.000Z',
  version: '0.1.0',
  environment: 'dev',
  installation: 'i1',
  database: { kind: 'sqlite', file: 'muster.db', sizeBytes: 4096, sha256: digest },
  facts: {
    migrations: ['0001-foundation'],
    tables: { team: 1 },
    objects: [{ digest, sizeBytes: 3 }],
    ledger: { size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', broken: null },
  },
  withheld: [],
});
const text = JSON.stringify(manifest);

describe('a manifest', () => {
  test('is read as it was written', () => {
    expect(parseManifest(text, 'manifest.json')).toEqual(manifest);
  });

  test('is refused by name where anything in it was changed', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 32, max: 126 }), (at, code) => {
        const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
        fc.pre(changed !== text);
        expect(() => parseManifest(changed, 'manifest.json')).toThrow(
          expect.objectContaining({ code: 'backup_damaged', place: 'manifest.json' }),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test('is refused wherever it was cut', () => {
    for (let length = 0; length < text.length; length++)
      expect(() => parseManifest(text.slice(0, length), 'manifest.json')).toThrow(
        expect.objectContaining({ code: 'backup_damaged' }),
      );
  });

  test.each([['[]'], ['null'], ['{}'], ['{"format":1,"sha256":"x"}'], ['{"format":1.5,"sha256":"x"}']])(
    '%s is none',
    (other) => {
      expect(() => parseManifest(other, 'manifest.json')).toThrow(expect.objectContaining({ code: 'backup_damaged' }));
    },
  );
});
