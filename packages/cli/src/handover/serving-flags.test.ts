import { servingSettingsSchema } from '@muster-ml/protocol';
import { describe, expect, it } from 'vitest';
import { keptSettingsText, needRuntime, readServingFlags, servingSettings } from './serving-flags.ts';

const [a, b] = ['secret://risk/a', 'secret://risk/b'];
const current = servingSettingsSchema.parse({ secrets: { A: a, B: b } });

describe('the secrets of a deployment', () => {
  it('are those of the live one, changed by what was given', () => {
    const wish = readServingFlags({ secret: [`C=${a}`, `A=${b}`, 'B='] });
    expect(servingSettings(wish, current, 'python').secrets).toEqual({ A: b, C: a });
    expect(servingSettings({}, current, 'python').secrets).toEqual({ A: a, B: b });
    expect(keptSettingsText(current)).toBe('the secrets A, B');
  });

  it('are left behind by a version that cannot read them, unless they were asked for', () => {
    expect(servingSettings({}, current, 'onnx')).not.toHaveProperty('secrets');
    expect(servingSettings(readServingFlags({ secret: [`C=${a}`] }), current, 'onnx').secrets).toEqual({ C: a });
  });

  it('are absent where there are none, and depend on the runtime of the version', () => {
    expect(servingSettings(readServingFlags({ secret: ['A='] }), undefined, 'python')).not.toHaveProperty('secrets');
    expect([needRuntime(readServingFlags({ secret: ['A='] }), undefined), needRuntime({}, undefined)]).toEqual([
      true,
      false,
    ]);
  });
});
