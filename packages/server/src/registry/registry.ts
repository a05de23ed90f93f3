import type { EnvironmentSpec, Model, Operation, Page, PageQuery, Version } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { RawAnswer } from '../platform/http/index.ts';
import { type NewModel, createModel } from './create-model.ts';
import type { RegistryParts } from './parts.ts';
import { countModels, getModel, listModels } from './read-models.ts';
import { getVersion, listVersions, readVersionFile, servedVersion } from './read-versions.ts';
import type { NewVersion } from './examined-version.ts';
import { type ContentOrigin, registerVersion, resumeRegistrations } from './register-version.ts';
import type { ServedVersion } from './served-version.ts';
import { type AliasTarget, deleteAlias, setAlias } from './set-alias.ts';
import { registryStore } from './store.ts';
import type { VersionPick } from './version.ts';

/** Models, their immutable versions and aliases. What each use case throws is said where it is written. */
export interface Registry {
  createModel(caller: Caller, wish: NewModel): Promise<Model>;
  getModel(caller: Caller, name: string): Promise<Model>;
  listModels(caller: Caller, query: PageQuery): Promise<Page<Model>>;
  registerVersion(caller: Caller, model: string, wish: NewVersion, origin?: ContentOrigin): Promise<Operation>;
  getVersion(caller: Caller, model: string, number: number): Promise<Version>;
  listVersions(caller: Caller, model: string, query: PageQuery): Promise<Page<Version>>;
  readVersionFile(caller: Caller, model: string, number: number): Promise<RawAnswer>;
  setAlias(caller: Caller, target: AliasTarget): Promise<AliasTarget>;
  deleteAlias(caller: Caller, model: string, alias: string): Promise<void>;
  /** What serving needs of a version that the caller may read. */
  servedVersion(caller: Caller, model: string, pick: VersionPick): Promise<ServedVersion>;
  /** The Python environments that versions run in, each once. */
  environments(): Promise<readonly EnvironmentSpec[]>;
  /** The team that owns a model. */
  modelTeam(name: string): Promise<string | undefined>;
  /** How many models the caller sees, for the installation's summary. */
  countModels(caller: Caller): Promise<number>;
  /** Goes on with registrations that the last process left unfinished; called once at the start. */
  resume(): Promise<void>;
}

/** Composes the room, and tells the object store which content its versions refer to. */
export function createRegistry(given: Omit<RegistryParts, 'store'>): Registry {
  const parts: RegistryParts = { ...given, store: registryStore };
  parts.objects.registerReferences((tx, digests) => registryStore.referenced(tx, digests));
  return {
    createModel: async (caller, wish) => await createModel(parts, caller, wish),
    getModel: async (caller, name) => await getModel(parts, caller, name),
    listModels: async (caller, query) => await listModels(parts, caller, query),
    registerVersion: async (caller, model, wish, origin) => await registerVersion(parts, caller, model, wish, origin),
    getVersion: async (caller, model, number) => await getVersion(parts, caller, model, number),
    listVersions: async (caller, model, query) => await listVersions(parts, caller, model, query),
    readVersionFile: async (caller, model, number) => await readVersionFile(parts, caller, model, number),
    setAlias: async (caller, target) => await setAlias(parts, caller, target),
    deleteAlias: async (caller, model, alias) => await deleteAlias(parts, caller, model, alias),
    servedVersion: async (caller, model, pick) => await servedVersion(parts, caller, model, pick),
    environments: async () => await registryStore.environments(parts.database.reader),
    modelTeam: async (name) => (await registryStore.modelByName(parts.database.reader, name))?.team,
    countModels: async (caller) => await countModels(parts, caller),
    resume: async () => await resumeRegistrations(parts),
  };
}
