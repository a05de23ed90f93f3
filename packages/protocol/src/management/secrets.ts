import { z } from 'zod';
import { slugSchema, timeSchema } from './names.ts';

/** Most bytes of a secret's value. */
export const maxSecretBytes = 64 * 1024;
/** Fewest: what is shorter could not be masked in a log without telling it. */
export const minSecretBytes = 4;
/** Most secrets of one deployment: the kernel limits what an environment may hold. */
const maxVariables = 16;

const slug = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*';
const referencePattern = new RegExp(`^secret://(${slug})/(${slug})$`);

/** How a deployment refers to a secret: `secret://team/name`. */
export const secretReferenceSchema = z
  .string()
  .max(120)
  .regex(referencePattern, 'must look like secret://team/name')
  .describe('A secret, such as secret://risk/feature-store');

/**
 * Variables that programs around a model read before the model runs (the loader, the shell, the C library, Python), or that
 * Muster sets itself: a value there could take effect outside the cage, or would be lost.
 */
const reservedVariables = new RegExp(
  `^(?:${[
    'LD_.*|GLIBC_.*|MALLOC_.*|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|NIS_PATH|NLSPATH|RES(?:OLV)?_.*',
    'TZ|TZDIR|LANG|LANGUAGE|LC_.*|PATH|HOME|PWD|OLDPWD|USER|LOGNAME|SHELL|TMP|TEMP|TMPDIR|TERM',
    'IFS|ENV|PS[0-4]|CDPATH|BASH.*|SHELLOPTS|GLOBIGNORE|POSIXLY_CORRECT|PROMPT_COMMAND|OPT(?:ARG|IND|ERR)',
    'PYTHON.*|NODE_.*|LIBMOUNT_.*|BWRAP_.*|MUSTER_.*',
    'OMP_.*|OPENBLAS_.*|MKL_.*|BLIS_.*|NUMEXPR_.*|VECLIB_.*|RAYON_.*|NUMBA_NUM_THREADS|LOKY_.*|TOKENIZERS_PARALLELISM',
    'HF_HUB_OFFLINE|HF_DATASETS_OFFLINE|TRANSFORMERS_OFFLINE|HF_HUB_DISABLE_TELEMETRY|DO_NOT_TRACK',
  ].join('|')})$`,
);

/** The name of an environment variable that a secret may be given as. */
export const secretVariableSchema = z
  .string()
  .max(100)
  .regex(/^[A-Z][A-Z0-9_]*$/, 'may hold A-Z, 0-9 and "_", and begins with a letter')
  .refine((name) => !reservedVariables.test(name), 'is read or set by what runs the model; choose another name');

/** The secrets of a deployment: environment variable → reference. */
export const secretVariablesSchema = z
  .record(secretVariableSchema, secretReferenceSchema)
  .refine((variables) => Object.keys(variables).length <= maxVariables, `may hold at most ${maxVariables} secrets`);

export type SecretVariables = z.infer<typeof secretVariablesSchema>;

/** What a secret is called: its team, and its name within the team. */
export interface SecretName {
  readonly team: string;
  readonly name: string;
}

/** The name in a reference; undefined where it is none. */
export function readSecretReference(reference: string): SecretName | undefined {
  const [, team, name] = referencePattern.exec(reference) ?? [];
  return team === undefined || name === undefined ? undefined : { team, name };
}

/** `secret://team/name` */
export function secretReference({ team, name }: SecretName): string {
  return `secret://${team}/${name}`;
}

/** A new value, which nothing ever answers again: as text, or as base64 where text would not carry it exactly. */
export const setSecretSchema = z
  .strictObject({
    value: z
      .string()
      .max(maxSecretBytes)
      .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be text without U+0000')
      .optional(),
    base64: z
      .base64()
      .max(4 * Math.ceil(maxSecretBytes / 3))
      .optional(),
  })
  .refine((body) => (body.value === undefined) !== (body.base64 === undefined), {
    message: 'give exactly one of value and base64',
    path: ['value'],
  });

export type SetSecret = z.infer<typeof setSecretSchema>;

/** A secret as it may be seen: everything but its value. */
export const secretSchema = z.object({
  team: slugSchema,
  name: slugSchema,
  reference: secretReferenceSchema,
  /** The version that starts of replicas get. */
  version: z.number().int(),
  /** Binary values reach a model as base64, because an environment variable is text. */
  kind: z.enum(['text', 'binary']),
  createdAt: timeSchema,
  createdBy: z.string(),
  /** Newest first, at most 20; the values of all but the newest are gone. */
  versions: z.array(z.object({ version: z.number().int(), setAt: timeSchema, setBy: z.string() })),
  /** Deployments that refer to it, of the endpoints that the caller may see. */
  usedBy: z.array(z.object({ endpoint: slugSchema, deployment: z.string(), variable: z.string() })),
});

export type Secret = z.infer<typeof secretSchema>;

export const deleteSecretQuerySchema = z.strictObject({
  force: slugSchema.optional().describe('The name of the secret, to delete it although deployments refer to it'),
});
