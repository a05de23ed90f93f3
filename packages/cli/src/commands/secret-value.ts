import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { type SetSecret, maxSecretBytes, minSecretBytes } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

const place = '--from-file';

/**
 * A value from a file, from standard input, or asked for without showing it; never from an argument, which would stay in
 * the shell's history and be seen in the list of processes. Of a single line, the line break at its end is no part. Throws
 * `UsageError`, which never repeats what was read.
 */
export async function readSecretValue(invocation: Invocation, file: string | undefined): Promise<SetSecret> {
  const { terminal } = invocation;
  if (file === undefined && terminal.isInteractive) return bodyOf(Buffer.from(await askTwice(invocation)));
  return bodyOf(file === undefined || file === '-' ? await readAll(invocation) : readFile(file));
}

function bodyOf(bytes: Buffer): SetSecret {
  if (!isUtf8(bytes) || bytes.includes(0)) return { base64: checked(bytes).toString('base64') };
  const text = bytes.toString('utf8');
  const line = /^([^\r\n]*)\r?\n$/.exec(text)?.[1] ?? text;
  checked(Buffer.from(line));
  return { value: line };
}

function checked(bytes: Buffer): Buffer {
  if (bytes.length > maxSecretBytes)
    throw new UsageError(
      `a secret has at most ${maxSecretBytes} bytes`,
      'Keep what is larger elsewhere, and the key to it here.',
      place,
    );
  if (bytes.length < minSecretBytes)
    throw new UsageError(
      `a secret has at least ${minSecretBytes} bytes, and this has ${bytes.length}`,
      'Name a file with --from-file, or pipe the value in.',
      place,
    );
  return bytes;
}

function readFile(file: string): Buffer {
  try {
    if (statSync(file).size > 2 * maxSecretBytes)
      throw new UsageError(`${file} is larger than a secret may be`, `At most ${maxSecretBytes} bytes.`, place);
    return readFileSync(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(`${file} cannot be read (${code})`, 'Name the file that holds the value.', place);
  }
}

async function readAll({ surroundings }: Invocation): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of surroundings.stdin) {
    const read = Buffer.from(chunk);
    chunks.push(read);
    bytes += read.length;
    if (bytes > 2 * maxSecretBytes) break;
  }
  return Buffer.concat(chunks);
}

/** A value that nobody sees is typed twice, because it can never be read again. */
async function askTwice({ surroundings }: Invocation): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: surroundings.stdin, output: nowhere, terminal: true });
  const ask = async (question: string): Promise<string> => {
    surroundings.stderr.write(question);
    const answer = await lines.question('', { signal: surroundings.interruption });
    surroundings.stderr.write('\n');
    return answer;
  };
  try {
    const first = await ask('Value: ');
    if (first !== (await ask('Again: ')))
      throw new UsageError('the two values differ', 'Type the same one twice.', place);
    return first;
  } finally {
    lines.close();
  }
}
