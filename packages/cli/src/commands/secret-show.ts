import type { Invocation } from '../invocation.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';
import { readSecretName } from './secret-name.ts';

/** Shows one secret: who set it when, and what uses it; never its value. */
export async function secretShow(invocation: Invocation, what: string): Promise<void> {
  const { terminal, flags, surroundings } = invocation;
  const { team, name } = readSecretName(what);
  const client = await invocation.client();
  const secret = await client.call('secretGet', { params: { team, secret: name } });
  if (flags.json === true) return terminal.print(JSON.stringify(secret));
  if (flags.output === 'name') return terminal.print(`${team}/${name}`);
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showFacts(terminal, [
    ['secret', secret.reference],
    ['version', String(secret.version)],
    ['value', `${secret.kind === 'text' ? 'text' : 'bytes, which a model gets as base64'}; it is never shown`],
    ['created', `${when(secret.createdAt)} by ${secret.createdBy}`],
    ['set', secret.versions.map(({ version, setAt, setBy }) => `${version}  ${when(setAt)} by ${setBy}`).join('\n')],
    ['used by', secret.usedBy.map(({ endpoint, variable }) => `${endpoint} as ${variable}`).join('\n')],
  ]);
}
