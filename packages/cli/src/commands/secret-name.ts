import { type SecretName, readSecretReference, slugSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

/** A secret as it is typed: `TEAM/NAME`, or its whole reference. Throws `UsageError`. */
export function readSecretName(text: string): SecretName {
  const known = readSecretReference(text.startsWith('secret://') ? text : `secret://${text}`);
  if (known !== undefined && slugSchema.safeParse(known.team).success && slugSchema.safeParse(known.name).success)
    return known;
  throw new UsageError(
    `${text} names no secret`,
    text.includes('/')
      ? 'Team and name hold a-z, 0-9 and single hyphens, such as risk/feature-store.'
      : `Write its team first, such as default/${slugSchema.safeParse(text).success ? text : 'feature-store'}.`,
    text,
  );
}
