/** Keys under which exporters and people keep the names of the columns. */
const featureKeys = [
  'feature_names',
  'feature_names_in_',
  'features',
  'feature_columns',
  'column_names',
  'columns',
  'input_features',
];

/** Keys for the names of the classes; `names` is what YOLO exports write, `id2label` what transformers do. */
const labelKeys = ['class_names', 'class_labels', 'classes', 'labels', 'target_names', 'id2label', 'names'];

const maxNames = 100_000;
const maxNameLength = 1000;

/** Names of the columns of a matrix with `count` columns, if the metadata give so many different ones. */
export function findFeatureNames(metadata: ReadonlyMap<string, string>, count: number): readonly string[] | undefined {
  return firstList(
    metadata,
    featureKeys,
    (names) => names.length === count && new Set(names).size === count && names.every((name) => name !== ''),
  );
}

/** Names of the classes by index; `count` is how many there are, where the model says so. */
export function findClassNames(
  metadata: ReadonlyMap<string, string>,
  count: number | undefined,
): readonly string[] | undefined {
  return firstList(metadata, labelKeys, (names) => (count === undefined ? names.length > 1 : names.length === count));
}

function firstList(
  metadata: ReadonlyMap<string, string>,
  keys: readonly string[],
  fits: (names: readonly string[]) => boolean,
): readonly string[] | undefined {
  const lowerCased = new Map([...metadata].map(([key, value]) => [key.toLowerCase(), value]));
  for (const key of keys) {
    const names = readNames(lowerCased.get(key) ?? '');
    if (
      names !== undefined &&
      names.length <= maxNames &&
      names.every((name) => name.length <= maxNameLength) &&
      fits(names)
    )
      return names;
  }
  return undefined;
}

/**
 * Reads a list of names as people write them into metadata: a JSON array, a JSON object from index to name, the same
 * as Python prints it, or a line with commas (or line breaks) between the names.
 */
export function readNames(text: string): readonly string[] | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (/^[[{(]/u.test(trimmed)) return namesOf(parseJson(trimmed)) ?? namesOf(parseJson(pythonToJson(trimmed)));
  return trimmed.split(trimmed.includes('\n') ? /\r?\n/u : ',').map((name) => name.trim());
}

function namesOf(value: unknown): readonly string[] | undefined {
  if (Array.isArray(value)) return value.every(isName) ? value.map(String) : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const entries = Object.entries(value as Record<string, unknown>);
  // Integer keys of an object come in ascending order: 0, 1, 2 … or it is no list.
  if (entries.length === 0 || !entries.every(([key, name], index) => key === String(index) && isName(name)))
    return undefined;
  return entries.map(([, name]) => String(name));
}

function isName(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Python's notation of lists, tuples and dicts of plain strings and integers, as JSON. */
function pythonToJson(text: string): string {
  const strings = text.replaceAll(
    /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/gu,
    (_, single?: string, double?: string) => {
      const content = (single ?? double ?? '').replaceAll(/\\(['"\\])/gu, '$1');
      return JSON.stringify(content);
    },
  );
  const keyed = strings.replaceAll(/([{,]\s*)(\d+)\s*:/gu, '$1"$2":');
  const list = /^\(.*\)$/su.test(keyed) ? `[${keyed.slice(1, -1)}]` : keyed;
  return list.replace(/,\s*([\]}])$/u, '$1');
}
