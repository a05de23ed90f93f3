import { confirmByName } from '../context/confirm.ts';
import type { Invocation } from '../invocation.ts';

/** Ends a token at once; what is known about it stays. */
export async function tokenRevoke(invocation: Invocation, id: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  await confirmByName(invocation, `Whoever uses token ${id} will be refused, for good`, id);
  await client.call('tokenRevoke', { params: { token: id } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ revoked: id }));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} revoked ${id}`);
}
