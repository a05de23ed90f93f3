import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { MusterError } from '@muster-ml/protocol';
import { createDurableWriter } from './durable-files.ts';
import type { PartAttempt } from './part-attempts.ts';

export interface PartToReceive {
  readonly number: number;
  /** The sparse file of the upload; absent for a part that is here already, whose repeat is only compared. */
  readonly file: string | undefined;
  readonly start: number;
  readonly sizeBytes: number;
  readonly attempt: PartAttempt;
}

/**
 * Reads one part to its end, and writes it at its place durably if it is not here yet. Answers its SHA-256. Throws
 * `invalid_request` where its length is not what it must be, `superseded` where a newer try took over.
 */
export async function receivePart(part: PartToReceive, source: AsyncIterable<Uint8Array>): Promise<string> {
  const file = part.file === undefined ? undefined : await open(part.file, 'r+');
  try {
    const writer = file === undefined ? undefined : createDurableWriter(file, part.start);
    const hash = createHash('sha256');
    let received = 0;
    for await (const chunk of source) {
      received += chunk.byteLength;
      if (received > part.sizeBytes) throw wrongLength(part, `more than ${part.sizeBytes}`);
      hash.update(chunk);
      if (writer !== undefined && !(await part.attempt.write(() => writer.write(chunk))))
        throw supersededPart(part.number);
    }
    if (received !== part.sizeBytes) throw wrongLength(part, String(received));
    if (writer !== undefined && !(await part.attempt.write(() => writer.sync()))) throw supersededPart(part.number);
    return hash.digest('hex');
  } finally {
    await file?.close();
  }
}

function wrongLength(part: PartToReceive, received: string): MusterError {
  return new MusterError('invalid_request', `part ${part.number} has ${part.sizeBytes} bytes, but ${received} came`, {
    place: 'body',
  });
}

export function supersededPart(number: number): MusterError {
  return new MusterError('superseded', `a newer try to send part ${number} has taken over`);
}
