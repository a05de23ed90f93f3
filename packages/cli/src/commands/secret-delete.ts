import { confirmByName } from '../context/confirm.ts';
import type { Invocation } from '../invocation.ts';
import { readSecretName } from './secret-name.ts';

export interface SecretDeleteFlags {
  readonly force?: string;
}

/** Deletes a secret with its value. */
export async function secretDelete(invocation: Invocation, what: string, flags: SecretDeleteFlags): Promise<void> {
  const { terminal } = invocation;
  const { team, name } = readSecretName(what);
  const params = { team, secret: name };
  const client = await invocation.client();
  await client.call('secretGet', { params });
  await confirmByName(invocation, `The value of ${team}/${name} will be gone`, `${team}/${name}`);
  await client.call('secretDelete', { params, query: flags.force === undefined ? {} : { force: flags.force } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ deleted: `${team}/${name}` }));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} deleted ${team}/${name}`);
}
