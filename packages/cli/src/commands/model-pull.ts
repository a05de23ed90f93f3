import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ModelFacts, MusterError } from '@muster-ml/protocol';
import { withNearest } from '../context/with-nearest.ts';
import { requireModelReference } from '../handover/model-reference.ts';
import { resolveVersion } from '../handover/resolve-version.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';

/** What the file of each format is called. A folder travels as one tar file. */
const endingOf: Readonly<Record<ModelFacts['format'], string>> = {
  onnx: 'onnx',
  pickle: 'pkl',
  joblib: 'joblib',
  skops: 'skops',
  xgboost: 'ubj',
  lightgbm: 'txt',
  catboost: 'cbm',
  mlflow: 'tar',
  huggingface: 'tar',
  folder: 'tar',
};

/** Fetches the file of a version and checks its digest; nothing is left behind when that fails. */
export async function modelPull(invocation: Invocation, what: string, file: string | undefined): Promise<void> {
  const { terminal, surroundings } = invocation;
  const reference = requireModelReference(what, what);
  const client = await invocation.client();
  const { model } = reference;
  await withNearest(client, 'model', model, async () => {
    const params = { model, version: await resolveVersion(client, reference) };
    const version = await client.call('versionGet', { params });
    const target = file ?? `${model}-${version.number}.${endingOf[version.facts.format]}`;
    const temporary = `${target}.${process.pid}.part`;
    const step = beginStep(terminal, `fetching ${model}:${version.number}`);
    try {
      const { body } = await client.call('versionFile', { params });
      if (body === null) throw new MusterError('control_unavailable', 'the server sent no file');
      const hash = createHash('sha256');
      let bytes = 0;
      const measured = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of source) {
          hash.update(chunk);
          bytes += chunk.length;
          step.update(`fetching ${target}  ${sizeText(bytes)} of ${sizeText(version.sizeBytes)}`);
          yield chunk;
        }
      };
      await pipeline(Readable.from(measured(body)), createWriteStream(temporary), {
        signal: surroundings.interruption,
      });
      if (hash.digest('hex') !== version.digest)
        throw new MusterError('digest_mismatch', `what arrived is not ${model}:${version.number}`, {
          remedy: 'Fetch it again.',
        });
      await rename(temporary, target);
      step.done(`fetched ${sizeText(bytes)}, its SHA-256 is right`);
    } catch (error) {
      step.drop();
      await rm(temporary, { force: true });
      throw error;
    }
    terminal.print(
      invocation.flags.json === true
        ? JSON.stringify({ file: target, digest: version.digest, sizeBytes: version.sizeBytes })
        : target,
    );
  });
}
