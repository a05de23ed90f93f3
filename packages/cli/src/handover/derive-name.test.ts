import { slugSchema } from '@muster-ml/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deriveName, toSlug } from './derive-name.ts';

test.each([
  ['models/Fraud_EU.onnx', 'fraud-eu'],
  ['fraud/model.onnx', 'fraud'],
  ['breast-cancer/model-v1.onnx', 'breast-cancer'],
  ['churnModel.onnx', 'churn-model'],
  ['/model.onnx', 'model'],
  ['2024 Prévision.onnx', 'prevision'],
])('%s becomes %s', (file, name) => {
  expect(deriveName(file, '/work')).toBe(name);
});

test('whatever is derived is a name that an endpoint may have', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
      const slug = toSlug(text);
      if (slug !== undefined) expect(slugSchema.safeParse(slug).success).toBe(true);
    }),
  );
});

test('a name that is one already stays as it is', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,10}){0,3}$/), (name) => toSlug(name) === name),
  );
});
