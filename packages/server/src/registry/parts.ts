import { type Action, type EnvironmentSpec, MusterError } from '@muster-ml/protocol';
import type { Caller, Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Clock, NewId } from '../platform/clock/index.ts';
import type { Database } from '../platform/database/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { Operations } from '../platform/operations/index.ts';
import type { Inspect } from './inspect-file.ts';
import { type ModelRecord, modelNotFound } from './model.ts';
import type { PythonInspection } from './python-inspection.ts';
import type { RegistryStore } from './store.ts';
import type { RefuseUncagedPython } from './uncaged-python.ts';

/** What the use cases of this room work with. */
export interface RegistryParts {
  readonly database: Database;
  readonly objects: ObjectStore;
  readonly ledger: Ledger;
  readonly identity: Identity;
  readonly operations: Operations;
  /** Finds out about ONNX files. */
  readonly inspect: Inspect;
  /** Finds out about files that only Python can run. */
  readonly python: PythonInspection;
  readonly makeEnvironment: MakeEnvironment;
  readonly refuseUncagedPython: RefuseUncagedPython;
  readonly store: RegistryStore;
  readonly clock: Clock;
  readonly newId: NewId;
}

/**
 * Chooses exact versions and makes a Python environment of them; `onProgress` gets a line for people when something
 * changed. Throws `python_not_found`, `environment_unresolvable`, `environment_failed`, `environment_too_large`, and the
 * signal's reason.
 */
export type MakeEnvironment = (
  wish: { readonly python?: string | undefined; readonly requirements: readonly string[] },
  onProgress: (text: string) => void,
  signal: AbortSignal,
) => Promise<EnvironmentSpec>;

/** The model, if the caller may see it and do this with it. Throws `model_not_found`, also for one that is hidden, and `not_allowed`. */
export async function findModel(
  parts: Pick<RegistryParts, 'database' | 'identity' | 'store'>,
  caller: Caller,
  action: Action,
  name: string,
): Promise<ModelRecord> {
  const missing = (): MusterError => modelNotFound(name);
  const model = await parts.store.modelByName(parts.database.reader, name);
  if (model === undefined) throw missing();
  parts.identity.authorize(caller, action, { kind: 'model', id: name, team: model.team, missing });
  return model;
}
