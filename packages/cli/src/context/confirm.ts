import { createInterface } from 'node:readline/promises';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

/** Lets a person type the name of what is to go. `--yes` answers; where nobody can be asked, it is needed. */
export async function confirmByName(invocation: Invocation, what: string, name: string): Promise<void> {
  const { terminal, surroundings, flags } = invocation;
  if (flags.yes === true) return;
  if (!terminal.isInteractive)
    throw new UsageError(`${what} needs a confirmation, and nobody can be asked here`, 'Say --yes.', '--yes');
  const answer = await ask(surroundings, `${what}. Type ${name} to go on: `);
  if (answer.trim() !== name) throw new Interrupted('Nothing was changed.');
}

async function ask({ stdin, stderr, interruption }: Invocation['surroundings'], question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr as NodeJS.WriteStream });
  lines.on('SIGINT', () => lines.close());
  try {
    const closed = new Promise<never>((_resolve, reject) =>
      lines.once('close', () => reject(new Interrupted('Nothing was changed.'))),
    );
    return await Promise.race([lines.question(question, { signal: interruption }), closed]);
  } finally {
    lines.close();
  }
}
