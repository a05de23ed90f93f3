import type { Invocation } from '../invocation.ts';

/** Prints the token for the server, and nothing else: for `$(muster token)` in a line that is copied. */
export async function token(invocation: Invocation): Promise<void> {
  const target = invocation.target();
  if (target.token !== undefined) return invocation.terminal.print(target.token);
  const { MusterError } = await import('@muster-ml/protocol');
  throw new MusterError('token_missing', `there is no token for ${target.server}`, {
    remedy: 'Sign in with muster login; on the machine of the server, its first start has saved one.',
  });
}
