import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bodyOf } from './append.ts';
import { isCanonical } from './canonical-json.ts';
import { readUsualBody } from './usual-body.ts';

const plain = fc.string({ unit: fc.constantFrom('a', 'Z', '7', '-', ' ', 'ö', '{', '}', ',', ':'), maxLength: 6 });
const name = fc.oneof(
  { weight: 30, arbitrary: plain },
  fc.string({ unit: 'binary', maxLength: 3 }).filter((value) => value.isWellFormed()),
);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const entry = fc.record({
  actor: fc.record({ kind: fc.constantFrom('person', 'service', 'system'), id: name, token: optional(name) }),
  action: fc.constantFrom('alias.set', 'system.test'),
  subject: fc.record({ kind: name, id: name }),
  team: fc.option(name),
  outcome: fc.constantFrom('allowed', 'denied', 'failed'),
  request: name,
  before: optional(name),
  after: optional(name),
  ctx: fc.dictionary(name, fc.oneof(name, fc.maxSafeInteger(), fc.constant({}), fc.array(name, { maxLength: 2 })), {
    maxKeys: 3,
  }),
});
const body = fc
  .tuple(fc.nat(), fc.nat(), entry)
  .map(([seq, at, made]) => bodyOf(seq, at, made as Parameters<typeof bodyOf>[2]));
const piece = fc.constantFrom(
  '"',
  '\\',
  '{',
  '}',
  ',',
  ' ',
  '1',
  '-',
  '.5',
  '\n',
  '\ud800',
  '"ctx":{},',
  '"v":1}',
  ',"outcome":"denied"',
  '\\u0041',
);

test('a body of the usual form is read as the parser reads it, and is canonical, whatever was put into it', () => {
  let read = 0;
  fc.assert(
    fc.property(body, fc.nat(), fc.nat({ max: 3 }), fc.option(piece), (whole, place, removed, put) => {
      const at = place % whole.length;
      const text = put === null ? whole : whole.slice(0, at) + put + whole.slice(at + removed);
      const facts = readUsualBody(text);
      if (facts === undefined) return;
      read++;
      const parsed = JSON.parse(text) as typeof facts;
      expect(parsed).toMatchObject(facts);
      expect(isCanonical(text, parsed)).toBe(true);
    }),
    { numRuns: 3000 },
  );
  expect(read).toBeGreaterThan(100);
});

test('what this server writes has the usual form, and what must be escaped has not', () => {
  const made = {
    actor: { kind: 'person', id: 'actor', token: 'token' },
    action: 'alias.set',
    subject: { kind: 'model', id: 'Größe' },
    team: null,
    outcome: 'allowed',
    request: 'request',
    before: 'a',
    after: 'b',
    ctx: { list: ['"', { a: null }] },
  } as const;
  expect(readUsualBody(bodyOf(3, 4, made))).toMatchObject({ seq: 3, at: 4, team: null, subject: { id: 'Größe' } });
  expect(readUsualBody(bodyOf(3, 4, { ...made, request: '"' }))).toBeUndefined();
  expect(readUsualBody(bodyOf(3, 4, { ...made, ctx: {} }).replace('"ctx":{}', '"ctx":{"b":1,"a":1}'))).toBeUndefined();
});
