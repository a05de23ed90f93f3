import { readFile } from 'node:fs/promises';
import type { CheckpointSink } from './sink.ts';

const timeoutMs = 10_000;

/**
 * An address that each checkpoint is posted to, as the text of its note; the receiver keeps it, and gives its copy to
 * `muster audit verify` when it wants to. A token is read from its file each time, so that a changed one counts at once.
 */
export function createWebhookSink(parts: {
  readonly url: string;
  readonly tokenFile?: string | undefined;
  readonly timeoutMs?: number;
}): CheckpointSink {
  const { url, tokenFile } = parts;
  return {
    // The path may be a secret by itself.
    name: `webhook ${new URL(url).host}`,
    isWeak: false,
    async publish({ note, size }, signal) {
      const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
      const response = await fetch(url, {
        method: 'POST',
        body: note,
        redirect: 'error',
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'muster-ledger-size': String(size),
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(parts.timeoutMs ?? timeoutMs)]),
      });
      // What it answers beyond its status is of no interest, and might never end.
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    },
  };
}
