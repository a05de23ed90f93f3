import {
  type Lineage,
  type ModelFacts,
  MusterError,
  type Runtime,
  type Signature,
  type Version,
} from '@muster-ml/protocol';
import type { ModelRecord } from './model.ts';
import type { ServedVersion } from './served-version.ts';

/** A version as this room keeps it. It never changes, and its number is never given to another. */
export interface VersionRecord {
  readonly id: string;
  /** Id of the model. */
  readonly model: string;
  readonly number: number;
  readonly runtime: Runtime;
  readonly digest: string;
  readonly sizeBytes: number;
  readonly signature: Signature;
  readonly facts: ModelFacts;
  readonly sampleDigest: string | null;
  readonly lineage: Lineage | null;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly createdBy: string;
}

/** Which version is meant. */
export type VersionPick = { readonly version: number } | { readonly alias: string };

export function renderVersion(version: VersionRecord, modelName: string): Version {
  const { id: _id, signature, tags, createdAt, ...rest } = version;
  return {
    ...rest,
    model: modelName,
    signature: structuredClone(signature) as Version['signature'],
    tags: { ...tags },
    createdAt: new Date(createdAt).toISOString(),
  };
}

export function toServedVersion(version: VersionRecord, model: ModelRecord): ServedVersion {
  const { number, runtime, digest, sizeBytes, signature, sampleDigest, facts } = version;
  const served = { model: model.name, number, team: model.team, runtime, digest, sizeBytes, signature, sampleDigest };
  if (facts.format === 'onnx') return served;
  const { format, isTable, environment } = facts;
  return { ...served, python: { format, isTable, environment } };
}

export function versionNotFound(model: string, number: number): MusterError {
  return new MusterError('version_not_found', `the model “${model}” has no version ${number}`);
}

export function aliasNotFound(model: string, alias: string): MusterError {
  return new MusterError('alias_not_found', `the model “${model}” has no alias “${alias}”`);
}
