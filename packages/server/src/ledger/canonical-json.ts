/**
 * Canonical JSON (RFC 8785) of what the ledger hashes: strings, safe integers, booleans, null, arrays and plain objects.
 * Equal values give equal bytes, whoever wrote them. Members that are `undefined` are left out, as JSON does.
 *
 * Throws `TypeError` for anything else: fractions (written differently by other languages; send decimals as strings),
 * lone surrogates (they have no UTF-8), dates and other objects with a class.
 */
export function canonicalJson(value: unknown): string {
  return write(value, undefined);
}

/** Where a value is; put into words only where something is wrong with it. */
interface Place {
  readonly in: Place | undefined;
  readonly at: string | number;
}

function write(value: unknown, place: Place | undefined): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw refused(place, 'a lone surrogate has no canonical form');
      return JSON.stringify(value);
    case 'number':
      if (!Number.isSafeInteger(value)) throw refused(place, `${value} is not a safe integer`);
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item, at) => write(item, { in: place, at })).join(',')}]`;
      if (isPlain(value)) return writeObject(value, place);
      throw refused(place, 'only plain objects have a canonical form');
    default:
      throw refused(place, `${typeof value} has no canonical form`);
  }
}

/** Members in the order of their names' UTF-16 code units, which is how `toSorted` compares. */
function writeObject(value: Readonly<Record<string, unknown>>, place: Place | undefined): string {
  const names = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .toSorted();
  const members = names.map((name) => `${write(name, place)}:${write(value[name], { in: place, at: name })}`);
  return `{${members.join(',')}}`;
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function refused(place: Place | undefined, reason: string): TypeError {
  return new TypeError(`${pathOf(place)}: ${reason}`);
}

function pathOf(place: Place | undefined): string {
  if (place === undefined) return '$';
  return `${pathOf(place.in)}${typeof place.at === 'number' ? `[${place.at}]` : `.${place.at}`}`;
}

/**
 * Whether a text is the canonical JSON of the value that was parsed from it. Cheaper than to write it anew: what the
 * engine writes in the order in which it read is the same text, so only the order and the numbers are left to check.
 */
export function isCanonical(text: string, parsed: unknown): boolean {
  // The engine puts names that are numbers first, and escapes what must not be there: that takes the long way.
  if (JSON.stringify(parsed) === text && !text.includes('\\ud') && isOrdered(parsed)) return true;
  try {
    return canonicalJson(parsed) === text;
  } catch {
    return false;
  }
}

function isOrdered(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isOrdered);
  let before: string | undefined;
  for (const name in value) {
    if (before !== undefined && before >= name) return false;
    if (!isOrdered((value as Readonly<Record<string, unknown>>)[name])) return false;
    before = name;
  }
  return true;
}
