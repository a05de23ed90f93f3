import { readFileSync } from 'node:fs';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

const maxTokenChars = 10_000;

/**
 * A token from a file, from standard input, or asked for without showing it; never from an argument, which would stay in
 * the shell's history and be seen in the list of processes. Throws `UsageError` for what cannot be one.
 */
export async function readToken(
  invocation: Invocation,
  source: { readonly file?: string | undefined; readonly place: string; readonly remedy: string },
): Promise<string> {
  const { terminal } = invocation;
  const { file, place, remedy } = source;
  const text =
    file !== undefined && file !== '-'
      ? readFile(file, place)
      : terminal.isInteractive
        ? await askHidden(invocation)
        : await readAll(invocation);
  const token = text.trim();
  if (token === '') throw new UsageError('there is no token', remedy, place);
  if (token.length > maxTokenChars || /\s/.test(token))
    throw new UsageError('this is not a token', 'A token is one line without spaces.', place);
  return token;
}

function readFile(file: string, place: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(`${file} cannot be read (${code})`, 'Name the file that holds the token.', place);
  }
}

async function readAll({ surroundings }: Invocation): Promise<string> {
  let text = '';
  for await (const chunk of surroundings.stdin) {
    text += String(chunk);
    if (text.length > maxTokenChars) break;
  }
  return text;
}

async function askHidden({ surroundings }: Invocation): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  surroundings.stderr.write('Token: ');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: surroundings.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('', { signal: surroundings.interruption });
  } finally {
    lines.close();
    surroundings.stderr.write('\n');
  }
}
