import type { MusterError } from '@muster-ml/protocol';
import type { Caller, Handlers, Identity } from '../identity/index.ts';
import { type Uploads, noSuchUpload } from '../platform/objects/index.ts';
import { readContentDigest } from './content-digest.ts';
import type { Registry } from './registry.ts';

type ModelRoutes = 'modelList' | 'modelCreate' | 'modelGet' | 'aliasSet' | 'aliasDelete';
type VersionRoutes = 'versionList' | 'versionRegister' | 'versionGet' | 'versionFile';
type UploadRoutes = 'uploadStart' | 'uploadGet' | 'uploadPart' | 'uploadComplete' | 'uploadAbort';

/** Routes of models, versions and aliases. */
export function registryRoutes(registry: Registry): Handlers<ModelRoutes | VersionRoutes> {
  return {
    modelList: async ({ caller, query }) => {
      const page = await registry.listModels(caller, query);
      return { ...page, items: [...page.items] };
    },
    modelCreate: async ({ caller, body }) => await registry.createModel(caller, body),
    modelGet: async ({ caller, params }) => await registry.getModel(caller, params.model),
    versionList: async ({ caller, params, query }) => {
      const page = await registry.listVersions(caller, params.model, query);
      return { ...page, items: [...page.items] };
    },
    versionRegister: async ({ caller, params, body }) => await registry.registerVersion(caller, params.model, body),
    versionGet: async ({ caller, params }) => await registry.getVersion(caller, params.model, params.version),
    versionFile: async ({ caller, params }) => await registry.readVersionFile(caller, params.model, params.version),
    aliasSet: async ({ caller, params, body }) => await registry.setAlias(caller, { ...params, version: body.version }),
    aliasDelete: async ({ caller, params }) => {
      await registry.deleteAlias(caller, params.model, params.alias);
      return undefined;
    },
  };
}

/** Routes of uploads. An upload belongs to the actor who started it. */
export function uploadRoutes(uploads: Uploads, identity: Identity): Handlers<UploadRoutes> {
  const authorize = (caller: Caller, id: string, missing?: () => MusterError): string => {
    identity.authorize(caller, 'upload.create', { kind: 'upload', id, team: { any: true }, missing });
    return caller.actor.id;
  };
  const ownerOf = (caller: Caller, id: string): string => authorize(caller, id, () => noSuchUpload(id));
  return {
    uploadStart: async ({ caller, body }) => {
      // Others send known content again: that it is known here is not theirs to learn.
      const owner = authorize(caller, 'new');
      return await uploads.start({ ...body, owner, mayReuse: identity.seesEverything(caller) });
    },
    uploadGet: async ({ caller, params }) => await uploads.get(params.upload, ownerOf(caller, params.upload)),
    uploadPart: async ({ caller, params, body, header }) => {
      const owner = ownerOf(caller, params.upload);
      const digest = readContentDigest(header('content-digest'));
      return await uploads.putPart(params.upload, owner, params.part, body as AsyncIterable<Uint8Array>, digest);
    },
    uploadComplete: async ({ caller, params }) => await uploads.complete(params.upload, ownerOf(caller, params.upload)),
    uploadAbort: async ({ caller, params }) => {
      await uploads.abort(params.upload, ownerOf(caller, params.upload));
      return undefined;
    },
  };
}
