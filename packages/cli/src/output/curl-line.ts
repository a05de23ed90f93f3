import type { Invocation } from '../invocation.ts';
import { commandName } from './command-name.ts';
import { shellQuoted } from './shell-quoted.ts';

/** Longest row that is written out; a longer one comes from a file or from GET. */
const longestRow = 400;

/**
 * A line that works when it is copied into a shell. The token is read by the shell when the line runs, so that none is on
 * the screen or in the history.
 */
export function curlLine(invocation: Invocation, url: string, example: unknown, sampleFile?: string): string {
  const server = invocation.flags.server === undefined ? '' : ` --server ${shellQuoted(invocation.target().server)}`;
  const token = `-H "Authorization: Bearer $(${commandName(invocation)} token${server})"`;
  const json = example === undefined ? undefined : JSON.stringify(example);
  if (sampleFile !== undefined && (json === undefined || json.length > longestRow))
    return `curl -s ${url} ${token} -H 'Content-Type: text/csv' --data-binary @${shellQuoted(sampleFile)}`;
  if (json === undefined) return `curl -s ${url} ${token}`;
  return `curl -s ${url} ${token} -H 'Content-Type: application/json' -d ${shellQuoted(json)}`;
}
