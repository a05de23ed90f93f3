import { readSubject, subjectText } from '../context/access-subject.ts';
import { confirmByName } from '../context/confirm.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

export interface AccessRevokeFlags {
  readonly team?: string;
}

/** Ends what an access rule allowed. Roles in the endpoint's team are not touched. */
export async function accessRevoke(
  invocation: Invocation,
  endpoint: string,
  actor: string | undefined,
  flags: AccessRevokeFlags,
): Promise<void> {
  const { terminal } = invocation;
  const subject = readSubject(actor, flags.team);
  const client = await invocation.client();
  await confirmByName(invocation, `${subjectText(subject)} will not be let into ${endpoint} any more`, subject.subject);
  await withNearest(
    client,
    'endpoint',
    endpoint,
    async () => await client.call('accessEnd', { params: { endpoint, ...subject } }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ endpoint, ...subject, revoked: true }));
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} ended the rule of ${endpoint} for ${subjectText(subject)}`,
  );
}
