import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MusterError } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';

export interface AuditExportFlags {
  readonly output?: string;
}

/** Writes the whole ledger as JSONL: to standard output, or to a file that is there only when all of it has arrived. */
export async function auditExport(invocation: Invocation, flags: AuditExportFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const { body } = await client.call('auditExport');
  if (body === null) throw new MusterError('control_unavailable', 'the server sent no ledger');
  const target = flags.output;
  if (target === undefined) {
    for await (const text of unbroken(body.pipeThrough(new TextDecoderStream()))) surroundings.stdout.write(text);
    return;
  }
  const temporary = `${target}.${process.pid}.part`;
  const step = beginStep(terminal, `writing ${target}`);
  let [bytes, lines] = [0, 0];
  const counted = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      bytes += chunk.length;
      for (const byte of chunk) if (byte === 0x0a) lines += 1;
      step.update(`writing ${target}  ${sizeText(bytes)}`);
      yield chunk;
    }
  };
  try {
    await pipeline(Readable.from(counted(unbroken(body))), createWriteStream(temporary), {
      signal: surroundings.interruption,
    });
    await rename(temporary, target);
  } catch (error) {
    step.drop();
    await rm(temporary, { force: true });
    throw error;
  }
  // The first line is the header.
  const entries = lines - 1;
  step.done(`wrote ${entries.toLocaleString('en-GB')} entries to ${target}  ${sizeText(bytes)}`);
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ file: target, entries, sizeBytes: bytes }));
}

/** A connection that breaks is told as what it is, and not as a fault of the command line. */
async function* unbroken<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new MusterError('server_unreachable', 'the export broke off before its end', {
      remedy: 'Export it again; muster status shows whether the server is well.',
      cause,
    });
  }
}
