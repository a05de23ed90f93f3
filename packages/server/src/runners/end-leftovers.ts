import { spawnSync } from 'node:child_process';

const limitMs = 5_000;

/**
 * Ends all processes of a user that only one cage had: one that left its process group and its parent is in nobody's tree.
 * Waits for it, because the next process of that user must not be ended, too.
 */
export function endLeftovers(uid: number): void {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  spawnSync('setpriv', [...user, '--', '/bin/sh', '-c', 'kill -9 -1'], { stdio: 'ignore', timeout: limitMs, env: {} });
}
