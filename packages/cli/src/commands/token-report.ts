import { readToken } from '../context/read-token.ts';
import type { Invocation } from '../invocation.ts';

/** Ends a token that was found where it should not be, whosever it is: to hold it is enough. It is read from standard input. */
export async function tokenReport(invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  const token = await readToken(invocation, {
    place: 'standard input',
    remedy: 'Pipe it in: muster token report < found.txt',
  });
  const client = await invocation.client();
  const { revoked } = await client.call('tokenReport', { body: { token } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ revoked }));
  terminal.note(
    revoked
      ? `${terminal.paintNotes.green(terminal.symbols.done)} revoked: it does nothing any more`
      : 'No token of this server that is still live. There is nothing to end.',
  );
}
