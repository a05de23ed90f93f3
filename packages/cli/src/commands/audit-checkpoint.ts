import { randomUUID } from 'node:crypto';
import type { Invocation } from '../invocation.ts';

/** Signs and publishes a checkpoint, and prints its note, to be kept where nobody of the server can reach it. */
export async function auditCheckpoint(invocation: Invocation): Promise<void> {
  const { terminal, flags } = invocation;
  const client = await invocation.client();
  const { size, note, at, published } = await client.call('auditCheckpoint', { idempotencyKey: randomUUID() });
  // The note ends with the end of a line, which is signed with it.
  terminal.print(flags.json === true ? JSON.stringify({ size, note, at, published }) : note.replace(/\n$/, ''));
  const where = published.filter(({ ok }) => ok).map(({ sink }) => sink);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} signed ${size.toLocaleString('en-GB')} entries; published to ${where.join(', ') || 'no place outside'}`,
  );
  for (const { sink, ok, detail } of published)
    if (!ok) terminal.warn(`${terminal.symbols.warning} not published to ${sink}: ${detail ?? 'it gave no reason'}`);
}
