import { Readable } from 'node:stream';
import { MusterError, type Operation, type Signature, type Version, createVersionSchema } from '@muster-ml/protocol';
import { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { type LedgerActor, digestOf } from '../ledger/index.ts';
import { noSuchObject } from '../platform/objects/index.ts';
import type { OperationHandle } from '../platform/operations/index.ts';
import { applyHints } from './apply-hints.ts';
import type { ModelRecord } from './model.ts';
import { mayUseContent } from './may-use-content.ts';
import { type RegistryParts, findModel, ledgerActor } from './parts.ts';
import { readSample } from './read-sample.ts';
import { type VersionRecord, renderVersion } from './version.ts';

export type NewVersion = z.output<typeof createVersionSchema>;

/** A registration as its operation keeps it, so that a restart can go on with it. */
const registrationSchema = z.object({
  model: z.string(),
  wish: createVersionSchema,
  author: z.object({ kind: z.enum(['person', 'service', 'system']), id: z.string(), token: z.string().optional() }),
  request: z.string(),
});

type Registration = z.output<typeof registrationSchema>;

const maxSampleBytes = 64 * 1024 * 1024;

/**
 * Inspects uploaded content and registers it as the next version of a model. The answer is the operation, whose result is
 * `{version}`; the same content again becomes a version of its own.
 *
 * Throws `model_not_found`, `object_not_found`. The operation fails with `invalid_model_file`, `unsupported_model`,
 * `inspection_failed`, `invalid_signature`, `invalid_sample`.
 */
export async function registerVersion(
  parts: RegistryParts,
  caller: Caller,
  modelName: string,
  wish: NewVersion,
): Promise<Operation> {
  const { database, objects, operations } = parts;
  const model = await findModel(parts, caller, 'version.register', modelName);
  if (!(await mayUseContent(parts, caller, wish.digest))) throw noSuchObject(wish.digest);
  const registration: Registration = { model: model.id, wish, author: ledgerActor(caller), request: caller.requestId };
  const operation = await database.inTransaction(async (tx) => {
    await objects.hold(tx, wish.digest);
    return await operations.create(tx, {
      kind: 'register-version',
      subject: `model/${model.name}`,
      team: model.team,
      createdBy: caller.actor.id,
      input: registration,
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
  const { wish } = registration;
  const model = await store.modelById(database.reader, registration.model);
  if (model === undefined) throw new MusterError('model_not_found', 'the model is gone');

  handle.progress('inspecting the file');
  const file = await objects.localFile(wish.digest);
  const { signature: found, facts } = await parts.inspect(file, wish.digest, handle.signal);
  handle.signal.throwIfAborted();

  let signature: Signature = applyHints(found, wish.signature ?? {});
  let sampleDigest: string | null = null;
  if (wish.sampleCsv !== undefined) {
    handle.progress('reading the sample');
    const sample = readSample(wish.sampleCsv, signature);
    if (sample.features !== undefined) signature = { ...signature, features: sample.features };
    sampleDigest = (await objects.put(Readable.from([sample.packed]), { maxBytes: maxSampleBytes })).digest;
    handle.signal.throwIfAborted();
  }

  handle.progress('registering');
  return await save(parts, handle.id, registration, model, { signature, facts, sampleDigest });
}

/** The version, its audit entry and the end of its operation are one transaction: a restart never registers twice. */
async function save(
  parts: RegistryParts,
  operationId: string,
  registration: Registration,
  model: ModelRecord,
  content: Pick<VersionRecord, 'signature' | 'facts' | 'sampleDigest'>,
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
      runtime: 'onnx',
      digest: wish.digest,
      sizeBytes,
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
