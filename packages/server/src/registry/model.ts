import { type Model, MusterError } from '@muster-ml/protocol';

/** A model as this room keeps it; `Model` is how the API shows it. */
export interface ModelRecord {
  readonly id: string;
  readonly name: string;
  readonly team: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly createdBy: string;
}

/** What hangs on a model and changes with it. */
export interface ModelPointers {
  readonly latestVersion: number | null;
  readonly aliases: Readonly<Record<string, number>>;
}

export function renderModel(model: ModelRecord, pointers: ModelPointers): Model {
  return {
    name: model.name,
    team: model.team,
    description: model.description,
    tags: { ...model.tags },
    latestVersion: pointers.latestVersion,
    aliases: { ...pointers.aliases },
    createdAt: new Date(model.createdAt).toISOString(),
    createdBy: model.createdBy,
  };
}

export function modelNotFound(name: string): MusterError {
  return new MusterError('model_not_found', `there is no model “${name}”`);
}
