import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aDeployment, anEndpoint } from '../../test-support/serving-twins.ts';
import { firstTrafficPoint, nextTrafficPoint, pickRoute, pickShadow, pickVersion } from './route-picker.ts';

const live = aDeployment('live', 'unix:/r', { version: '1' });
const canary = (sharePercent: number): ReturnType<typeof aDeployment> =>
  aDeployment('canary', 'unix:/r', { role: 'canary', sharePercent, version: '2' });
const shadow = (sharePercent: number): ReturnType<typeof aDeployment> =>
  aDeployment('shadow', 'unix:/r', { role: 'shadow', sharePercent, version: '3' });
const always = (): boolean => true;

describe('the traffic rule', () => {
  test('gives the canary its share of all requests and of each regular part of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 12 }), (sharePercent, every) => {
        const endpoint = anEndpoint('e', [live, canary(sharePercent)]);
        let point = firstTrafficPoint;
        let answered = 0;
        const asked = 3000;
        for (let request = 0; request < asked * every; request += 1) {
          point = nextTrafficPoint(point);
          if (request % every === 0 && pickRoute(endpoint, point, always).answers?.id === 'canary') answered += 1;
        }
        expect(Math.abs(answered - (asked * sharePercent) / 100)).toBeLessThanOrEqual(15);
        if (sharePercent === 0) expect(answered).toBe(0);
        if (sharePercent === 100) expect(answered).toBe(asked);
      }),
      { numRuns: 60 },
    );
  });

  test("copies for the shadow do not depend on the canary's turn", () => {
    const endpoint = anEndpoint('e', [live, canary(50), shadow(50)]);
    let point = firstTrafficPoint;
    let both = 0;
    for (let request = 0; request < 4000; request += 1) {
      point = nextTrafficPoint(point);
      if (pickRoute(endpoint, point, always).answers?.id === 'canary' && pickShadow(endpoint, point) !== undefined)
        both += 1;
    }
    expect(Math.abs(both - 1000)).toBeLessThan(50);
  });

  test('leaves the share of a canary that cannot answer to the live one', () => {
    const endpoint = anEndpoint('e', [live, canary(100)]);
    expect(pickRoute(endpoint, firstTrafficPoint, (deployment) => deployment.id === 'live').answers?.id).toBe('live');
    expect(pickRoute(endpoint, firstTrafficPoint, () => false).answers?.id).toBe('canary');
    expect(
      pickRoute(anEndpoint('e', [live, { ...canary(100), quarantined: 'x' }]), firstTrafficPoint, always).answers?.id,
    ).toBe('live');
  });

  test('answers nobody where there is no live version, and says why where it is quarantined', () => {
    expect(pickRoute(anEndpoint('e', []), firstTrafficPoint, always)).toEqual({
      answers: undefined,
      quarantined: undefined,
    });
    expect(pickRoute(anEndpoint('e', [{ ...live, quarantined: 'it crashed' }]), firstTrafficPoint, always)).toEqual({
      answers: undefined,
      quarantined: 'it crashed',
    });
    expect(pickRoute(anEndpoint('e', [shadow(100)]), firstTrafficPoint, always).answers).toBeUndefined();
  });

  test('a version that is named is found in any role, the live one first', () => {
    const endpoint = anEndpoint('e', [shadow(1), { ...canary(1), version: '1' }, live]);
    expect(pickVersion(endpoint, '1')?.id).toBe('live');
    expect(pickVersion(endpoint, '3')?.id).toBe('shadow');
    expect(pickVersion(endpoint, '9')).toBeUndefined();
  });
});
