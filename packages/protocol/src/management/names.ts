import { z } from 'zod';

/** Names that become host and Kubernetes names with a suffix: endpoints, teams, use cases. */
export const slugSchema = z
  .string()
  .max(53)
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    'may hold a-z, 0-9 and single hyphens, begins with a letter, at most 53 characters',
  )
  .describe('A name such as `fraud-eu`: a-z, 0-9 and hyphens, at most 53 characters');

// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const controlCharacter = /[\u0000-\u001f\u007f]/u;

/** Model names are free UTF-8 of at most 256 characters, as in MLflow, without control characters, `/`, `:`, or `@`. */
export const modelNameSchema = z
  .string()
  .min(1)
  .max(256)
  .refine((name) => name.isWellFormed(), 'must be well-formed Unicode')
  .refine((name) => !controlCharacter.test(name), 'may not hold control characters')
  .refine((name) => !/[/:@]/.test(name), 'may not hold "/", ":" or "@"')
  .refine((name) => name.trim() === name, 'may not begin or end with a space')
  .refine((name) => name !== '.' && name !== '..', 'may not be "." or ".."')
  .describe('The name of a model, at most 256 characters');

/** Version numbers count from 1 within a model. */
export const versionNumberSchema = z.coerce
  .number()
  .int()
  .min(1)
  .max(Number.MAX_SAFE_INTEGER)
  .describe('The number of a version, from 1');

export const aliasSchema = z
  .string()
  .max(100)
  .regex(/^[a-zA-Z_][a-zA-Z0-9_-]*$/, 'may hold letters, digits, "_" and "-", and begins with a letter')
  .refine(
    (alias) => !/^v?\d+$/i.test(alias) && alias.toLowerCase() !== 'latest',
    'may not look like a version or be "latest"',
  )
  .describe('An alias such as `champion`');

/**
 * The form in which names are compared: without regard to case and to Unicode's ways of writing one text, so that no two
 * look alike. A name is shown as it was given.
 */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'is the SHA-256 in 64 lower-case hexadecimal digits');

/** Times are RFC 3339 in UTC. */
export const timeSchema = z.iso.datetime();

/** Tags: short key-value marks. */
export const tagsSchema = z
  .record(z.string().min(1).max(100), z.string().max(1000))
  .refine((tags) => Object.keys(tags).length <= 50, 'may hold at most 50 tags');
