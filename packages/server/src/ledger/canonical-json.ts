/**
 * Canonical JSON (RFC 8785) of what the ledger hashes: strings, safe integers, booleans, null, arrays and plain objects.
 * Equal values give equal bytes, whoever wrote them. Members that are `undefined` are left out, as JSON does.
 *
 * Throws `TypeError` for anything else: fractions (written differently by other languages; send decimals as strings),
 * lone surrogates (they have no UTF-8), dates and other objects with a class.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '$');
}

function write(value: unknown, place: string): string {
  switch (typeof value) {
    case 'string':
      if (!value.isWellFormed()) throw new TypeError(`${place}: a lone surrogate has no canonical form`);
      return JSON.stringify(value);
    case 'number':
      if (!Number.isSafeInteger(value)) throw new TypeError(`${place}: ${value} is not a safe integer`);
      return JSON.stringify(value);
    case 'boolean':
      return String(value);
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item, index) => write(item, `${place}[${index}]`)).join(',')}]`;
      if (isPlain(value)) return writeObject(value, place);
      throw new TypeError(`${place}: only plain objects have a canonical form`);
    default:
      throw new TypeError(`${place}: ${typeof value} has no canonical form`);
  }
}

/** Members in the order of their names' UTF-16 code units, which is how `toSorted` compares. */
function writeObject(value: Readonly<Record<string, unknown>>, place: string): string {
  const names = Object.keys(value)
    .filter((name) => value[name] !== undefined)
    .toSorted();
  return `{${names.map((name) => `${write(name, place)}:${write(value[name], `${place}.${name}`)}`).join(',')}}`;
}

function isPlain(value: object): value is Readonly<Record<string, unknown>> {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
