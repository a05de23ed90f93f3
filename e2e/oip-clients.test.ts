import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from './support/hand-over.ts';
import { type Place, type RunningMuster, makePlace, removePlace, root, startMuster } from './support/muster.ts';
import { until } from './support/until.ts';
import { pythonVersion, pythonWith } from './support/python.ts';

const fixtures = join(root, 'packages/runtime-onnx/fixtures');
const folder = join(root, 'e2e/oip-clients');
const program = join(folder, 'checks.py');
const checks = [...readFileSync(program, 'utf8').matchAll(/^(?:async )?def check_(\w+)/gm)].map(
  ([, name = '']) => name,
);

/** Without Python these are skipped by name; where the gate runs there must be one. */
const isPossible = pythonVersion() !== undefined || process.env['CI'] === 'true';

/** The clients that people have, unmodified, against the whole system; what each check does is in `oip-clients/checks.py`. */
describe.skipIf(!isPossible)('clients of the Open Inference Protocol', () => {
  let place: Place;
  let muster: RunningMuster | undefined;
  const outcomes = new Map<string, string>();

  beforeAll(async () => {
    const python = await pythonWith(join(folder, 'requirements.txt'));
    place = await makePlace();
    muster = await startMuster(place);
    const { client, url, token } = muster;
    for (const datatype of ['fp32', 'fp16', 'bool', 'bytes', 'int64', 'uint64'])
      await handOver(client, datatype, join(fixtures, `identity-${datatype}.onnx`));
    await handOver(client, 'who', join(fixtures, 'add-row-id.onnx'));
    await handOver(client, 'small-body', join(fixtures, 'identity-fp32.onnx'));
    await client.call('endpointUpdate', {
      params: { endpoint: 'small-body' },
      body: { limits: { bodyBytes: 100_000 } },
    });
    const large = { method: 'POST', body: ' '.repeat(100_001) };
    await until(
      'the limit holds',
      10_000,
      async () => (await client.request('/v2/models/small-body/infer', large)).status === 413,
    );
    const { stdout } = await promisify(execFile)(python, [program, url, token], {
      timeout: 300_000,
      env: place.environment,
    });
    for (const line of stdout.trim().split('\n')) {
      const { name, failure } = JSON.parse(line) as { readonly name: string; readonly failure: string | null };
      outcomes.set(name, failure ?? 'passed');
    }
  }, 1_200_000);
  afterAll(async () => {
    await muster?.stop();
    await removePlace(place);
  });

  it.each(checks)('%s', (name) => {
    expect(outcomes.get(`check_${name}`)).toBe('passed');
  });
});
