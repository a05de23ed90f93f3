import { connect } from '../context/connect.ts';
import { readConfigFile, writeConfigFile } from '../context/config-file.ts';
import { readToken } from '../context/read-token.ts';
import type { Invocation } from '../invocation.ts';
import { teamRolesText } from '../output/actor-text.ts';
import { showFacts } from '../output/show-facts.ts';
import { timeText } from '../output/time-text.ts';

export interface LoginFlags {
  readonly tokenFile?: string;
}

/** Saves a token for a server, after the server has said whose it is. The token comes from a file or from standard input. */
export async function login(invocation: Invocation, flags: LoginFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const { server, configFile } = invocation.target();
  const token = await readToken(invocation, {
    file: flags.tokenFile,
    place: '--token-file',
    remedy: 'Name a file with --token-file, or pipe the token in.',
  });
  const actor = await connect(server, token, terminal, surroundings.interruption).call('whoami');
  const config = readConfigFile(configFile);
  writeConfigFile(configFile, { ...config, server, tokens: { ...config.tokens, [server]: token } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ server, ...actor }));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} signed in to ${server} as ${actor.name}`);
  if ((surroundings.env['MUSTER_TOKEN'] ?? '') !== '')
    terminal.warn(`${terminal.symbols.warning} MUSTER_TOKEN is set and goes before what was saved`);
  terminal.note('Next   muster whoami');
}

/** Forgets the token of a server. */
export function logout(invocation: Invocation): void {
  const { terminal } = invocation;
  const { server, configFile } = invocation.target();
  const config = readConfigFile(configFile);
  const { [server]: token, ...others } = config.tokens ?? {};
  if (token === undefined) return terminal.note(`There is no token for ${server}.`);
  writeConfigFile(configFile, { ...config, tokens: others });
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} forgot the token for ${server}`);
}

/** Whose token it is, the roles of its owner, and what the token is limited to. */
export async function whoami(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const target = invocation.target();
  const actor = await (await invocation.client()).call('whoami');
  if (invocation.flags.json === true) return terminal.print(JSON.stringify({ server: target.server, ...actor }));
  if (invocation.flags.output === 'name') return terminal.print(actor.name);
  const teams = teamRolesText(actor.teams);
  const { token } = actor;
  terminal.print(`${actor.name}, ${actor.kind}${teams === '' ? '' : `, in ${teams}`}`);
  showFacts(terminal, [
    ['installation', actor.platformRoles.join(', ')],
    [
      'expires',
      token?.expiresAt == null
        ? undefined
        : timeText(token.expiresAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
    ],
    ['only to', token?.actions?.join(', ')],
    ['only on', token?.resources?.join(', ')],
    ['token', invocation.flags.output === 'wide' ? token?.id : undefined],
  ]);
  terminal.note(
    `on ${target.server}, by the token of ${target.tokenFrom === 'config' ? target.configFile : 'MUSTER_TOKEN'}`,
  );
}
