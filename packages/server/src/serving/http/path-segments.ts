import { MusterError } from '@muster-ml/protocol';

/** Callers ask for the same few addresses again and again. */
const remembered = new Map<string, readonly string[]>();
const maxRemembered = 1000;
const maxRememberedChars = 200;

/**
 * The segments of a request's path: split first and decoded after, so that `%2F` stays within its segment; the query
 * is ignored, one trailing slash too. Throws `invalid_request` for what is no percent-encoded UTF-8.
 */
export function pathSegments(url: string): readonly string[] {
  const known = remembered.get(url);
  if (known !== undefined) return known;
  const segments = cut(url);
  if (url.length <= maxRememberedChars) {
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(url, segments);
  }
  return segments;
}

function cut(url: string): readonly string[] {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const segments = path.split('/');
  segments.shift();
  if (segments.length > 1 && segments.at(-1) === '') segments.pop();
  if (!path.includes('%')) return segments;
  try {
    return segments.map((segment) => decodeURIComponent(segment));
  } catch {
    throw new MusterError('invalid_request', 'the path is not percent-encoded UTF-8', { place: 'path' });
  }
}

/** Whether a path is `prefix` or lies under it. */
export function isUnder(url: string, prefix: string): boolean {
  if (!url.startsWith(prefix)) return false;
  const next = url.charCodeAt(prefix.length);
  // The end, "/" or "?".
  return Number.isNaN(next) || next === 0x2f || next === 0x3f;
}
