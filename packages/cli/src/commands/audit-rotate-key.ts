import { randomUUID } from 'node:crypto';
import type { Invocation } from '../invocation.ts';

/** Replaces the key that signs checkpoints, and prints the public keys, oldest first, to be pinned. */
export async function auditRotateKey(invocation: Invocation): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const answer = await client.call('auditKeyRotate', { idempotencyKey: randomUUID() });
  terminal.print(flags.json === true ? JSON.stringify(answer) : answer.keys.join('\n'));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} checkpoints are signed with a new key from now on; give the keys to whoever checks them`,
  );
}
