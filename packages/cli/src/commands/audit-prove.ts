import { writeFile } from 'node:fs/promises';
import type { Invocation } from '../invocation.ts';
import { readCount } from '../units/count.ts';

export interface AuditProveFlags {
  readonly output?: string;
}

/** Writes the proof that an entry is in the ledger, as JSON that the stand-alone verifier reads. */
export async function auditProve(invocation: Invocation, seqText: string, flags: AuditProveFlags): Promise<void> {
  const { terminal } = invocation;
  const seq = readCount('SEQ', seqText, 0);
  const client = await invocation.client();
  const proof = await client.call('auditEntryProve', { params: { seq } });
  const text = JSON.stringify(proof, null, invocation.flags.json === true ? 0 : 2);
  if (flags.output === undefined) return terminal.print(text);
  await writeFile(flags.output, `${text}\n`);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} wrote the proof of entry ${seq} to ${flags.output}`,
  );
}
