import type { Attempt } from './channel.ts';
import type { Sent } from './delivery.ts';

/**
 * Posts JSON. Redirects are not followed, so that what is signed for one receiver never comes to another, and nothing of
 * the answer's body is read: it might never end. Throws what `signal` was ended with.
 */
export async function postJson(
  url: string,
  { body, headers }: { readonly body: string; readonly headers: Readonly<Record<string, string>> },
  { signal }: Attempt,
): Promise<Sent> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      redirect: 'manual',
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, problem: `it could not be reached: ${reasonOf(error)}` };
  }
  await response.body?.cancel().catch(() => undefined);
  const { status } = response;
  if (response.ok) return { ok: true };
  if (status === 410) return { ok: false, final: true, problem: 'it answered 410: nobody listens there any more' };
  if (status >= 300 && status < 400)
    return { ok: false, problem: `it answered ${status}, and redirects are not followed: name the new address` };
  return { ok: false, problem: `it answered ${status}` };
}

/** The code of a failure, never its message: that may hold the address. */
export function reasonOf(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string' && cause.code !== '') return cause.code;
  return 'unknown cause';
}
