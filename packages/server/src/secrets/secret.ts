import { MusterError, type Secret, type SecretName, secretReference } from '@muster-ml/protocol';
import type { Resource } from '../identity/index.ts';
import type { SealPlace, SealedValue } from './seal.ts';

/**
 * A named value of a team that can be written and used, and never read. A new value is a new version; the value before it
 * is destroyed in the same transaction, because nothing would ever use it again and it would only be there to be stolen.
 *
 * The value is in one place only: sealed, in the newest version's row. It is opened where a deployment that refers to it
 * is told to the runtime host, which hands it to the runner as an environment variable.
 */
export interface SecretRecord extends SecretName {
  /** Never used again: a secret that is made anew under the same name is another one. */
  readonly id: string;
  /** The newest version. */
  readonly lastNumber: number;
  readonly createdAt: number;
  readonly createdBy: string;
}

export interface VersionRecord {
  readonly number: number;
  readonly kind: Secret['kind'];
  readonly setAt: number;
  readonly setBy: string;
}

/** What refers to a secret. */
export interface SecretUser {
  readonly endpoint: string;
  readonly team: string;
  readonly deployment: string;
  readonly variable: string;
  /** `secret://team/name` */
  readonly reference: string;
}

/** A version with its sealed value. */
export interface SealedVersion {
  readonly number: number;
  readonly kind: Secret['kind'];
  readonly sealed: SealedValue;
}

/** Where the value of a version belongs. */
export function placeOf({ id, team }: Pick<SecretRecord, 'id' | 'team'>, version: number): SealPlace {
  return { team, id, version };
}

/** What an action on a secret is about: one that may not be seen is as one that does not exist. */
export function secretResource(name: SecretName): Resource {
  return { kind: 'secret', id: `${name.team}/${name.name}`, team: name.team, missing: () => secretNotFound(name) };
}

export function secretNotFound(name: SecretName, place?: string): MusterError {
  return new MusterError(
    'secret_not_found',
    `there is no secret ${secretReference(name)}`,
    place === undefined ? {} : { place },
  );
}

/** What may be seen; `users` are those that the caller may see. */
export function renderSecret(
  secret: SecretRecord,
  versions: readonly VersionRecord[],
  users: readonly SecretUser[],
): Secret {
  return {
    team: secret.team,
    name: secret.name,
    reference: secretReference(secret),
    version: secret.lastNumber,
    kind: versions.find(({ number }) => number === secret.lastNumber)?.kind ?? 'text',
    createdAt: new Date(secret.createdAt).toISOString(),
    createdBy: secret.createdBy,
    versions: versions.map(({ number, setAt, setBy }) => ({
      version: number,
      setAt: new Date(setAt).toISOString(),
      setBy,
    })),
    usedBy: users.map(({ endpoint, deployment, variable }) => ({ endpoint, deployment, variable })),
  };
}
