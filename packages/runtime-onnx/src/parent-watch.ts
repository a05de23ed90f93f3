import { Socket } from 'node:net';

/**
 * Calls back when standard input closes, which is how a runner learns that its parent is gone. Standard input that is
 * neither pipe nor socket (a terminal, `/dev/null`) has no parent behind it.
 *
 * A run that never ends keeps the event loop from hearing of it; the host starts runners with a death signal for that.
 */
export function watchParent(onGone: () => void): void {
  let stdin: Socket;
  try {
    stdin = new Socket({ fd: 0, readable: true, writable: false });
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ERR_INVALID_FD_TYPE') return;
    throw thrown;
  }
  stdin.on('error', () => stdin.destroy());
  stdin.on('close', onGone);
  stdin.resume();
}
