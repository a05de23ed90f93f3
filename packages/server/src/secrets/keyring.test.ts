import { randomBytes } from 'node:crypto';
import { chmod, copyFile, link, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Keyring, createKeyring, keyIdOf } from './keyring.ts';

describe('the key files', () => {
  let folder: string;
  let keyFile: string;
  let ring: Keyring;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-keys-'));
    keyFile = join(folder, 'secrets', 'key');
    ring = createKeyring(keyFile);
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  it('are made at the first use, for their owner only', async () => {
    expect(await ring.active()).toBeUndefined();
    const key = await ring.activeOrFirst();
    expect(key.bytes).toHaveLength(32);
    expect(key.id).toMatch(/^[0-9a-f]{16}$/);
    expect([await modeOf(keyFile), await modeOf(dirname(keyFile))]).toEqual([0o400, 0o700]);
    expect(await readdir(dirname(keyFile))).toEqual(['key']);
    expect(await ring.activeOrFirst()).toEqual(key);
  });

  it('are the same for many that start at the same time', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, async () => await createKeyring(keyFile).activeOrFirst()));
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
  });

  it('keep each older key under its id when a new one becomes active', async () => {
    const first = await ring.activeOrFirst();
    const second = await ring.renew();
    const third = await ring.renew();
    expect(new Set([first.id, second.id, third.id]).size).toBe(3);
    expect((await ring.active())?.id).toBe(third.id);
    for (const key of [first, second, third]) expect(await ring.find(key.id)).toEqual(key);
    expect((await readdir(dirname(keyFile))).toSorted()).toEqual(['key', first.id, second.id].toSorted());
    expect(await modeOf(join(dirname(keyFile), first.id))).toBe(0o400);
  });

  it('survive a crash between the steps of a renewal', async () => {
    const first = await ring.activeOrFirst();
    // The old key was kept, the new one lay there without a name.
    await link(keyFile, join(dirname(keyFile), first.id));
    await copyFile(keyFile, join(dirname(keyFile), '.new-0123456789abcdef'));
    expect((await ring.active())?.id).toBe(first.id);
    const second = await ring.renew();
    expect((await ring.active())?.id).toBe(second.id);
    expect(await ring.find(first.id)).toEqual(first);
    expect((await readdir(dirname(keyFile))).toSorted()).toEqual(['key', first.id].toSorted());
  });

  it('may be put there by somebody else', async () => {
    await mkdir(dirname(keyFile));
    const bytes = randomBytes(32);
    await writeFile(keyFile, `${bytes.toString('base64')}\n`, { mode: 0o440 });
    expect(await ring.active()).toEqual({ id: keyIdOf(bytes), bytes });
  });

  it.each([
    ['is open to everybody', randomBytes(32).toString('base64'), 0o444, 'chmod 0400'],
    ['is short', randomBytes(16).toString('base64'), 0o400, '32 bytes'],
    ['is not base64', 'x'.repeat(44), 0o400, '32 bytes'],
    ['is empty', '', 0o400, '32 bytes'],
    ['is huge', 'A'.repeat(100_000), 0o400, '32 bytes'],
  ])('is refused where it %s, without a word of what it holds', async (_what, text, mode, why) => {
    await mkdir(dirname(keyFile));
    await writeFile(keyFile, text);
    await chmod(keyFile, mode);
    const failure = await ring.active().catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'secret_key_invalid', place: keyFile });
    expect(String(failure)).toContain(why);
    if (text !== '') expect(String(failure)).not.toContain(text);
  });

  it('is refused where it is a folder', async () => {
    await mkdir(keyFile, { recursive: true });
    await expect(ring.active()).rejects.toMatchObject({ code: 'secret_key_invalid' });
  });

  it('answers no key for an id that is none, whatever lies there', async () => {
    await ring.activeOrFirst();
    await writeFile(join(folder, 'outside'), randomBytes(32).toString('base64'), { mode: 0o400 });
    for (const id of ['', '../outside', 'key', '0'.repeat(16)]) expect(await ring.find(id)).toBeUndefined();
  });

  it('does not take a file for the key that its name says', async () => {
    await ring.activeOrFirst();
    const text = await readFile(keyFile, 'utf8');
    await writeFile(join(dirname(keyFile), '0'.repeat(16)), text, { mode: 0o400 });
    expect(await ring.find('0'.repeat(16))).toBeUndefined();
  });
});
