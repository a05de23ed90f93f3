import type { ModelFacts, Page, PageQuery, Version } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import { cursorOf, numberIn } from './cursor.ts';
import { type RegistryParts, findModel } from './parts.ts';
import type { ServedVersion } from './served-version.ts';
import { type VersionPick, aliasNotFound, renderVersion, toServedVersion, versionNotFound } from './version.ts';

/** What files of each format are called. */
const extensions: Readonly<Record<ModelFacts['format'], string>> = {
  onnx: 'onnx',
  pickle: 'pkl',
  joblib: 'joblib',
  skops: 'skops',
  xgboost: 'model',
  lightgbm: 'txt',
  catboost: 'cbm',
  mlflow: 'tar',
  huggingface: 'tar',
  folder: 'tar',
};

type ReadParts = Pick<RegistryParts, 'database' | 'identity' | 'store'>;

/** One version. Throws `model_not_found`, `version_not_found`. */
export async function getVersion(
  parts: ReadParts,
  caller: Caller,
  modelName: string,
  number: number,
): Promise<Version> {
  const model = await findModel(parts, caller, 'version.read', modelName);
  const version = await parts.store.version(parts.database.reader, model.id, number);
  if (version === undefined) throw versionNotFound(modelName, number);
  return renderVersion(version, model.name);
}

/** Versions of a model, newest first. Throws `model_not_found`. */
export async function listVersions(
  parts: ReadParts,
  caller: Caller,
  modelName: string,
  query: PageQuery,
): Promise<Page<Version>> {
  const model = await findModel(parts, caller, 'version.read', modelName);
  const before = query.after === undefined ? undefined : numberIn(query.after);
  const versions = await parts.store.versionsBefore(parts.database.reader, model.id, {
    before,
    limit: query.limit + 1,
  });
  const shown = versions.slice(0, query.limit);
  const last = versions.length > query.limit ? shown.at(-1) : undefined;
  const items = shown.map((version) => renderVersion(version, model.name));
  return last === undefined ? { items } : { items, next: cursorOf(last.number) };
}

/** The file of a version, as it was registered. Throws as `getVersion` does. */
export async function readVersionFile(
  parts: ReadParts & Pick<RegistryParts, 'objects'>,
  caller: Caller,
  modelName: string,
  number: number,
): Promise<RawAnswer> {
  const { digest, sizeBytes, facts } = await getVersion(parts, caller, modelName, number);
  const stream = await parts.objects.read(digest);
  return { stream, sizeBytes, etag: digest, fileName: `${modelName}-${number}.${extensions[facts.format]}` };
}

/** What serving needs of a version that the caller may read. Throws `model_not_found`, `version_not_found`, `alias_not_found`. */
export async function servedVersion(
  parts: ReadParts,
  caller: Caller,
  modelName: string,
  pick: VersionPick,
): Promise<ServedVersion> {
  const model = await findModel(parts, caller, 'version.read', modelName);
  const { reader } = parts.database;
  const number = 'version' in pick ? pick.version : await parts.store.alias(reader, model.id, pick.alias);
  if (number === undefined) throw aliasNotFound(modelName, 'alias' in pick ? pick.alias : '');
  const version = await parts.store.version(reader, model.id, number);
  if (version === undefined) throw versionNotFound(modelName, number);
  return toServedVersion(version, model);
}
