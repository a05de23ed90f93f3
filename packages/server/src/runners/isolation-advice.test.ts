import { expect, test } from 'vitest';
import { isolationLevels } from './confine.ts';
import { adviceFor, namespaceObstacle } from './isolation-advice.ts';

test('every level but the strongest says what would raise it', () => {
  for (const level of isolationLevels) {
    const advice = adviceFor({ level, hasOwnUser: false, hasLandlock: true });
    expect(advice).toMatch(/^Runners (have|run|can|reach) /);
    expect(advice.includes('Install bubblewrap')).toBe(level !== 'bubblewrap');
  }
});

test('a setting that forbids namespaces is named, with what to do about it', () => {
  const settings: Record<string, string> = { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1' };
  const obstacle = namespaceObstacle((file) => settings[file] ?? '');
  expect(adviceFor({ level: 'landlock', hasOwnUser: false, hasLandlock: true, obstacle })).toBe(
    'Runners reach no files but their own and no TCP, but can use UDP and the sockets of other runners. ' +
      'Install bubblewrap, or set kernel.apparmor_restrict_unprivileged_userns=0 (sysctl), to close that.',
  );
  expect(namespaceObstacle(() => '')).toBeUndefined();
});

test('Landlock makes a difference that is told', () => {
  const advice = (hasLandlock: boolean): string => adviceFor({ level: 'uid', hasOwnUser: true, hasLandlock });
  expect(advice(true)).toContain('those of Python models only UDP');
  expect(advice(false)).not.toContain('UDP');
});
