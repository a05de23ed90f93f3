import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MusterError } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';

/** What is fetched, as errors name it, and what it must be. */
export interface FileToFetch {
  readonly what: string;
  readonly digest: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly open: () => Promise<Response>;
}

/**
 * Fetches to a file beside, checks its SHA-256 and puts it in place: nothing half-written is ever there, and nothing is left
 * behind when it fails. Throws `digest_mismatch`.
 */
export async function fetchFile(invocation: Invocation, file: FileToFetch, target: string): Promise<void> {
  const { terminal, surroundings } = invocation;
  const temporary = `${target}.${process.pid}.part`;
  const step = beginStep(terminal, `fetching ${target}`);
  try {
    const { body } = await file.open();
    if (body === null) throw new MusterError('control_unavailable', 'the server sent no file');
    const hash = createHash('sha256');
    let bytes = 0;
    const measured = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        hash.update(chunk);
        bytes += chunk.length;
        step.update(`fetching ${target}  ${sizeText(bytes)} of ${sizeText(file.sizeBytes ?? bytes)}`);
        yield chunk;
      }
    };
    await pipeline(Readable.from(measured(body)), createWriteStream(temporary), { signal: surroundings.interruption });
    if (hash.digest('hex') !== file.digest)
      throw new MusterError('digest_mismatch', `what arrived is not ${file.what}`, { remedy: 'Fetch it again.' });
    await rename(temporary, target);
    step.done(`wrote ${target}  ${sizeText(bytes)}, its SHA-256 is right`);
  } catch (error) {
    step.drop();
    await rm(temporary, { force: true });
    throw error;
  }
}
