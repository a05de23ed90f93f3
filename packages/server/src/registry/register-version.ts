import { open } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { MusterError, type Operation, type Version, createVersionSchema, unpackSample } from '@muster-ml/protocol';
import { z } from 'zod';
import { type Caller, ledgerActor } from '../identity/index.ts';
import { type LedgerActor, digestOf } from '../ledger/index.ts';
import { noSuchObject } from '../platform/objects/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import { examineOnnx } from './examine-onnx.ts';
import { examinePython } from './examine-python.ts';
import type { ExaminedVersion, NewVersion, VersionWish } from './examined-version.ts';
import { type SampleTensors, tensorsIn } from './fit-sample.ts';
import { mayUseContent } from './may-use-content.ts';
import type { ModelRecord } from './model.ts';
import { type RegistryParts, findModel } from './parts.ts';
import { readTypelessTable } from './read-typeless-table.ts';
import { type FileEnds, headBytes, recogniseFile, tailBytes } from './recognise-file.ts';
import { packJsonSample } from './sample-tensors.ts';
import { storeSample } from './store-sample.ts';
import { type VersionRecord, renderVersion } from './version.ts';

/**
 * Whether the caller `named` the content by its digest, so that it has to be theirs, or this server `fetched` it for them
 * a moment ago from where they may read it.
 */
export type ContentOrigin = 'named' | 'fetched';

/** A registration as its operation keeps it, so that a restart can go on with it. */
const registrationSchema = z.object({
  model: z.string(),
  wish: createVersionSchema.omit({ sample: true }).extend({ sampleDigest: z.string().nullable().default(null) }),
  author: z.object({ kind: z.enum(['person', 'service', 'system']), id: z.string(), token: z.string().optional() }),
  request: z.string(),
});

interface Registration extends Omit<z.output<typeof registrationSchema>, 'wish'> {
  readonly wish: VersionWish;
}

/**
 * Finds out about uploaded content and registers it as the next version of a model. The answer is the operation, whose
 * result is `{version}`; the same content again becomes a version of its own.
 *
 * Throws `model_not_found`, `object_not_found`, `invalid_sample` (for a sample in JSON that is none). The operation
 * fails with what `examineOnnx` or `examinePython` throw, and with `invalid_model_file`, `unsupported_model` and
 * `inspection_failed`.
 */
export async function registerVersion(
  parts: RegistryParts,
  caller: Caller,
  modelName: string,
  { sample, ...wish }: NewVersion,
  origin: ContentOrigin = 'named',
): Promise<Operation> {
  const { database, objects, operations } = parts;
  const model = await findModel(parts, caller, 'version.register', modelName);
  if (origin === 'named' && !(await mayUseContent(parts, caller, wish.digest))) throw noSuchObject(wish.digest);
  if (sample !== undefined && wish.sampleCsv !== undefined)
    throw new MusterError('invalid_request', 'give one sample: as sample or as sampleCsv', { place: 'body.sample' });
  const sampleDigest = sample === undefined ? null : await storeSample(objects, packJsonSample(sample));
  const registration: Registration = {
    model: model.id,
    wish: { ...wish, sampleDigest },
    author: ledgerActor(caller),
    request: caller.requestId,
  };
  const operation = await database.inTransaction(async (tx) => {
    await objects.hold(tx, wish.digest);
    if (sampleDigest !== null) await objects.hold(tx, sampleDigest);
    return await operations.create(tx, {
      kind: 'register-version',
      subject: `model/${model.name}`,
      team: model.team,
      createdBy: caller.actor.id,
      input: { ...registration },
      progress: 'waiting for the inspection',
    });
  });
  run(parts, operation.id, registration);
  return operation;
}

/** Goes on with the registrations that the last process left unfinished; called once at the start. */
export async function resumeRegistrations(parts: RegistryParts): Promise<void> {
  for (const { operation, input } of await parts.operations.interrupted('register-version')) {
    run(parts, operation.id, registrationSchema.parse(input));
  }
}

function run(parts: RegistryParts, operationId: string, registration: Registration): void {
  parts.operations.run(operationId, async (handle) => ({ version: await register(parts, handle, registration) }));
}

async function register(parts: RegistryParts, handle: OperationHandle, registration: Registration): Promise<Version> {
  const { database, objects, store } = parts;
  const model = await store.modelById(database.reader, registration.model);
  if (model === undefined) throw new MusterError('model_not_found', 'the model is gone');
  const { sample, ...examined } = await examine(parts, handle, registration.wish);
  const sampleDigest = sample === null ? null : await storeSample(objects, sample);
  handle.signal.throwIfAborted();
  handle.progress('registering');
  return await save(parts, handle.id, registration, model, { ...examined, sampleDigest });
}

/** Looks what the file is, and finds out about it as such. */
async function examine(parts: RegistryParts, handle: OperationHandle, wish: VersionWish): Promise<ExaminedVersion> {
  const { objects, python } = parts;
  const file = await objects.localFile(wish.digest);
  const sample = await sampleOf(parts, wish);
  if (recogniseFile(await readEnds(file)) === 'onnx') return await examineOnnx(parts, handle, file, wish, sample);
  handle.progress('looking at the file');
  const look = await python.look(file, wish.digest, handle.signal);
  const { format, missing, producer, runtime } = look;
  if (format === null && runtime === 'onnx') return await examineOnnx(parts, handle, file, wish, sample);
  if (format === null) {
    const [first] = missing;
    if (first !== undefined)
      throw new MusterError('unsupported_model', `${first.what}: ${first.why}`, { remedy: first.remedy });
    throw new MusterError('unsupported_model', `it seems to be ${producer === '' ? 'no model' : producer}`);
  }
  const { sizeBytes } = (await objects.stat(wish.digest)) ?? { sizeBytes: 0 };
  const table = wish.sampleCsv === undefined ? undefined : readTypelessTable(wish.sampleCsv, 'body.sampleCsv');
  const rows = table === undefined ? sample : { inputs: table, outputs: [], isTable: true };
  return await examinePython(parts, handle, { file, sizeBytes }, wish, { ...look, format }, rows);
}

async function sampleOf(
  { objects }: Pick<RegistryParts, 'objects'>,
  { sampleDigest }: VersionWish,
): Promise<SampleTensors | undefined> {
  if (sampleDigest === null) return undefined;
  return tensorsIn(unpackSample(await buffer(await objects.read(sampleDigest))));
}

async function readEnds(path: string): Promise<FileEnds> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const read = async (length: number, position: number): Promise<Uint8Array> => {
      const { buffer: bytes, bytesRead } = await file.read({ buffer: new Uint8Array(length), position });
      return bytes.subarray(0, bytesRead);
    };
    return { head: await read(headBytes, 0), tail: await read(tailBytes, Math.max(0, size - tailBytes)) };
  } finally {
    await file.close();
  }
}

/** The version, its audit entry and the end of its operation are one transaction: a restart never registers twice. */
async function save(
  parts: RegistryParts,
  operationId: string,
  registration: Registration,
  model: ModelRecord,
  content: Pick<VersionRecord, 'runtime' | 'signature' | 'facts' | 'sampleDigest'>,
): Promise<Version> {
  const { database, objects, operations, store, ledger, clock, newId } = parts;
  const { wish, author, request } = registration;
  return await database.inTransaction(async (tx) => {
    const number = await store.nextNumber(tx, model.id);
    const { sizeBytes } = await objects.hold(tx, wish.digest);
    if (content.sampleDigest !== null) await objects.hold(tx, content.sampleDigest);
    const record: VersionRecord = {
      ...content,
      id: newId(),
      model: model.id,
      number,
      digest: wish.digest,
      sizeBytes,
      lineage: wish.lineage ?? null,
      description: wish.description,
      tags: wish.tags,
      createdAt: clock.now(),
      createdBy: author.id,
    };
    const version = renderVersion(record, model.name);
    await store.insertVersion(tx, record);
    await operations.finish(tx, operationId, { state: 'succeeded', result: { version } });
    await ledger.append(tx, {
      actor: author as LedgerActor,
      action: 'version.register',
      subject: { kind: 'model', id: model.id },
      team: model.team,
      outcome: 'allowed',
      request,
      after: digestOf(version),
      ctx: { version: number, digest: record.digest, operation: operationId },
    });
    return version;
  });
}
