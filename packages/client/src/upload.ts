import type { StoredObject, Upload } from '@muster-ml/protocol';
import type { Client } from './client.ts';

/** A part may crawl over a slow line, and the server reads the whole file again before it says that it is complete. */
const partTimeoutMs = 600_000;
const completeTimeoutMs = 3_600_000;

/** A file to send: anything that can give a range of its bytes, so that no file is ever whole in memory. */
export interface UploadSource {
  readonly sizeBytes: number;
  /** SHA-256 in hexadecimal of the whole. */
  readonly sha256: string;
  read(start: number, end: number): Promise<Uint8Array>;
}

/**
 * Sends a file in parts, several at a time. A part that fails is sent again; with `resume` (the id of an earlier upload of
 * the same file) only what is missing is sent.
 */
export async function upload(
  client: Client,
  source: UploadSource,
  options: {
    readonly resume?: string;
    readonly parallel?: number;
    readonly onStart?: (upload: Upload) => void;
    readonly onProgress?: (sentBytes: number) => void;
    readonly signal?: AbortSignal;
  } = {},
): Promise<StoredObject> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const started =
    options.resume === undefined
      ? await client.call('uploadStart', { body: { sizeBytes: source.sizeBytes, sha256: source.sha256 }, ...signal })
      : await client.call('uploadGet', { params: { upload: options.resume }, ...signal });
  options.onStart?.(started);
  if (started.state === 'open') {
    const count = Math.ceil(source.sizeBytes / started.partBytes);
    const has = new Set(started.received);
    const missing = Array.from({ length: count }, (_, at) => at + 1).filter((part) => !has.has(part));
    let sent = [...has].reduce((sum, part) => sum + partSize(part), 0);
    options.onProgress?.(sent);
    const worker = async (): Promise<void> => {
      for (let part = missing.shift(); part !== undefined; part = missing.shift()) {
        const start = (part - 1) * started.partBytes;
        await sendPart(client, started.id, part, await source.read(start, start + partSize(part)), options.signal);
        sent += partSize(part);
        options.onProgress?.(sent);
      }
    };
    await Promise.all(Array.from({ length: options.parallel ?? 3 }, worker));
  }
  return await client.call('uploadComplete', {
    params: { upload: started.id },
    timeoutMs: completeTimeoutMs,
    ...signal,
  });

  function partSize(part: number): number {
    return Math.min(started.partBytes, source.sizeBytes - (part - 1) * started.partBytes);
  }
}

async function sendPart(
  client: Client,
  id: string,
  part: number,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await client.call('uploadPart', {
        params: { upload: id, part },
        body: bytes,
        timeoutMs: partTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      return;
    } catch (error) {
      const isPassing = error instanceof Error && 'kind' in error && error.kind === 'unavailable';
      if (!isPassing || attempt === 5 || signal?.aborted === true) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
    }
  }
}
