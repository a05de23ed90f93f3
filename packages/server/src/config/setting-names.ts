import { z } from 'zod';
import { settingsSchema } from './settings.ts';

/** One leaf of the schema and everything that is derived from its path. */
export interface Setting {
  readonly path: readonly string[];
  /** As in a file: `log.maxFiles`. */
  readonly key: string;
  /** `MUSTER_LOG_MAX_FILES` */
  readonly variable: string;
  /** `--log-max-files` */
  readonly flag: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
  readonly choices: readonly string[];
  readonly description: string;
  readonly isSecret: boolean;
  /** Undefined where there is none. */
  readonly defaultValue: unknown;
}

/** All settings, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  return leaves(settingsSchema, []);
}

function leaves(object: z.ZodObject, parents: readonly string[]): Setting[] {
  return Object.entries(object.shape).flatMap(([name, schema]) => {
    const path = [...parents, name];
    const inner = unwrap(schema);
    return inner instanceof z.ZodObject ? leaves(inner, path) : [setting(path, schema as z.ZodType, inner)];
  });
}

function setting(path: readonly string[], schema: z.ZodType, inner: unknown): Setting {
  const words = path.flatMap((part) => part.split(/(?=[A-Z])/)).map((word) => word.toLowerCase());
  const given = schema.safeParse(undefined);
  return {
    path,
    key: path.join('.'),
    variable: `MUSTER_${words.join('_').toUpperCase()}`,
    flag: `--${words.join('-')}`,
    kind: kindOf(inner),
    choices: inner instanceof z.ZodEnum ? inner.options.map(String) : [],
    description: schema.description ?? descriptionWithin(schema),
    isSecret: isSecret(schema),
    defaultValue: given.success ? given.data : undefined,
  };
}

function kindOf(inner: unknown): Setting['kind'] {
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodBoolean) return 'boolean';
  if (inner instanceof z.ZodArray) return 'list';
  return 'text';
}

function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional)
    inner = inner.unwrap();
  return inner;
}

function descriptionWithin(schema: unknown): string {
  const inner = unwrap(schema);
  return inner instanceof z.ZodType ? (inner.description ?? '') : '';
}

function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.['secret'] === true;
}
