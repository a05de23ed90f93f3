import { MusterError } from '@muster-ml/protocol';
import { closest } from 'fastest-levenshtein';
import type { z } from 'zod';

type Part = 'body' | 'query' | 'params';

/** Parses one part of a request, or throws `invalid_request` that lists every fault with its place. */
export function parsePart<S extends z.ZodType>(schema: S, value: unknown, part: Part): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => ({
    place: placeOf(part, issue.path),
    fault: wordingOf(issue, schema),
  }));
  const [first] = faults;
  throw new MusterError('invalid_request', faults.map((fault) => `${fault.place}: ${fault.fault}`).join('; '), {
    ...(first === undefined ? {} : { place: first.place }),
    details: { faults },
  });
}

function placeOf(part: Part, path: readonly PropertyKey[]): string {
  const inner = path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return part + inner;
}

function wordingOf(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const known = knownKeys(schema, issue.path);
  return issue.keys
    .map((key) => {
      const nearest = known.length === 0 ? undefined : closest(key, known);
      return nearest === undefined
        ? `unknown field \`${key}\``
        : `unknown field \`${key}\`; the nearest known one is \`${nearest}\``;
    })
    .join(', ');
}

/** Keys of the object schema at a path, as far as wrappers (default, optional, refine) let it be seen. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let shape = shapeOf(schema);
  for (const key of path) {
    const next = shape?.[String(key)];
    shape = next === undefined ? undefined : shapeOf(next);
  }
  return shape === undefined ? [] : Object.keys(shape);
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  let inner: unknown = schema;
  while (typeof inner === 'object' && inner !== null) {
    const definition: { shape?: Record<string, z.ZodType>; innerType?: unknown } = (inner as z.ZodType).def as never;
    if (definition.shape !== undefined) return definition.shape;
    inner = definition.innerType;
  }
  return undefined;
}
