import { open } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { toStorageError } from './storage-error.ts';

describe('errors of the file system', () => {
  test.runIf(process.platform === 'linux')('a volume that is full is disk_full', async () => {
    const full = await open('/dev/full', 'w');
    const error = await full.write('x').catch((thrown: unknown) => thrown);
    await full.close();
    expect(toStorageError(error)).toMatchObject({ code: 'disk_full', cause: { code: 'ENOSPC' } });
  });

  test('a folder that can not be written is storage_unavailable', () => {
    expect(toStorageError(Object.assign(new Error('no'), { code: 'EROFS' }))).toMatchObject({
      code: 'storage_unavailable',
    });
  });

  test('other errors stay what they are', () => {
    const error = new Error('a bug');
    expect(toStorageError(error)).toBe(error);
  });
});
