import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cli, post } from './support/command-line.ts';
import { type Place, type RunningMuster, makePlace, removePlace, startMuster } from './support/muster.ts';
import { pythonVersion } from './support/python.ts';
import { until } from './support/until.ts';

const hasPython = pythonVersion() !== undefined || process.env['CI'] === 'true';
const [first, second] = ['correct-horse-battery-staple', 'tr0ub4dor-and-three'];

/** Answers who asks for it with a digest of its secret, prints the secret, and raises it where it is told to. */
const model = `import hashlib
import os


def load(path):
    print("starting with", os.environ.get("API_KEY", "nothing"), flush=True)
    return os.environ.get("API_KEY", "")


def predict(model, data):
    return [hashlib.sha256(model.encode()).hexdigest() if one.get("ask") == "yes" else "nothing" for one in data]
`;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

let place: Place;
let muster: RunningMuster;

describe.skipIf(!hasPython)('a secret', () => {
  beforeAll(async () => {
    place = await makePlace();
    muster = await startMuster(place);
    const folder = join(place.folder, 'model');
    await mkdir(folder);
    await writeFile(join(folder, 'model.py'), model);
    await writeFile(join(place.folder, 'sample.jsonl'), '{"ask": "no"}\n');
    await writeFile(join(place.folder, 'first'), `${first}\n`);
    await writeFile(join(place.folder, 'second'), `${second}\n`);
  }, 300_000);
  afterAll(async () => {
    await muster.stop();
    await removePlace(place);
  });

  const set = async (file: string, ...flags: string[]) =>
    await cli(muster, ['secret', 'set', 'default/api-key', '--from-file', join(place.folder, file), ...flags]);
  const answer = async (): Promise<string> => {
    const given = await post(muster, '/predict/greeter', { rows: [{ input: { ask: 'yes' } }] });
    const [row] = (given as { readonly predictions: readonly { readonly prediction: string }[] }).predictions;
    return row?.prediction ?? '';
  };

  it('reaches a model that was deployed with it, as an environment variable', async () => {
    await set('first');
    const words = ['deploy', join(place.folder, 'model'), '--name', 'greeter'];
    const sample = ['--sample', join(place.folder, 'sample.jsonl')];
    await cli(muster, [...words, ...sample, '--secret', 'API_KEY=secret://default/api-key']);
    expect(await answer()).toBe(digestOf(first));
  }, 600_000);

  it('reaches the runner of a batch job, too', async () => {
    const [input, output] = [join(place.folder, 'ask.jsonl'), join(place.folder, 'answers.jsonl')];
    await writeFile(input, '{"input": {"ask": "yes"}}\n{"input": {"ask": "no"}}\n');
    await cli(muster, ['score', 'greeter', input, '-o', output]);
    const lines = (await readFile(output, 'utf8')).trim().split('\n');
    const given = lines.map((line) => (JSON.parse(line) as { readonly prediction: string }).prediction);
    expect(given).toEqual([digestOf(first), 'nothing']);
  }, 300_000);

  it('is listed with what uses it, and never shown', async () => {
    const listed = JSON.parse(await cli(muster, ['secret', 'list', '--json'])) as {
      readonly items: readonly unknown[];
    };
    expect(listed.items).toMatchObject([
      { reference: 'secret://default/api-key', usedBy: [{ endpoint: 'greeter', variable: 'API_KEY' }] },
    ]);
    await expect(cli(muster, ['secret', 'delete', 'default/api-key', '--yes'])).rejects.toThrow(/is used by greeter/);
  });

  it('has another value after a restart of what uses it, and no request is lost meanwhile', async () => {
    const answers = new Set<string>();
    const done = new AbortController();
    const asking = (async () => {
      while (!done.signal.aborted) answers.add(await answer());
    })();
    await set('second', '--restart');
    done.abort();
    await asking;
    expect(await answer()).toBe(digestOf(second));
    expect([...answers].filter((seen) => seen !== digestOf(first) && seen !== digestOf(second))).toEqual([]);
  });

  it('is still there after the key was replaced and Muster was started anew', async () => {
    const rotated = JSON.parse(await cli(muster, ['secret', 'rotate-key', '--json'])) as unknown;
    expect(rotated).toMatchObject({ state: 'succeeded', result: { wrapped: 1 } });
    await muster.stop();
    muster = await startMuster(place);
    await until('the model answers again', 120_000, async () => (await answer().catch(() => '')) === digestOf(second));
  }, 300_000);

  it('is in no file of the data directory, in no log, and on no command line', async () => {
    const logs = await readFile(join(place.dataDir, 'logs', 'supervisor.log'), 'utf8');
    expect(logs).toContain('starting with •••');
    for (const file of await filesIn(place.dataDir)) {
      const content = await readFile(file);
      for (const value of [first, second]) {
        expect(content.includes(value), file).toBe(false);
        expect(content.includes(Buffer.from(value).toString('base64').slice(0, 24)), file).toBe(false);
      }
    }
    for (const pid of await muster.tree()) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      for (const value of [first, second]) expect(line).not.toContain(value);
    }
  });

  it('keeps Muster from starting without its key, which only its owner may read, and is back with it', async () => {
    const key = join(place.dataDir, 'secrets', 'key');
    expect((await stat(key)).mode & 0o777).toBe(0o400);
    await muster.stop();
    await rename(key, `${key}.away`);
    await expect(startMuster(place)).rejects.toThrow(/key of the secrets is not there|secret_key_missing/);
    await rename(`${key}.away`, key);
    muster = await startMuster(place);
    await until('the model answers again', 120_000, async () => (await answer().catch(() => '')) === digestOf(second));
  }, 300_000);
});

async function filesIn(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { withFileTypes: true, recursive: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
