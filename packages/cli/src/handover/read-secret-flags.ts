import { readSecretReference } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

/** `NAME=secret://team/name`, several times; `NAME=` leaves it out: null. Throws `UsageError`. */
export function readSecretFlags(flags: readonly string[]): Readonly<Record<string, string | null>> {
  return Object.fromEntries(
    flags.map((flag) => {
      const [, name, reference] = /^([A-Z][A-Z0-9_]*)=(.*)$/s.exec(flag) ?? [];
      // What is no reference may be the secret itself, so it is not repeated.
      if (name === undefined || reference === undefined)
        throw new UsageError(
          '--secret takes NAME=secret://team/name',
          'The name holds A-Z, 0-9 and "_"; the value itself is set with muster secret set.',
          '--secret',
        );
      if (reference !== '' && readSecretReference(reference) === undefined)
        throw new UsageError(
          `--secret ${name}= names no secret`,
          `Write --secret ${name}=secret://team/name; set the value itself with muster secret set team/name.`,
          '--secret',
        );
      return [name, reference === '' ? null : reference] as const;
    }),
  );
}
