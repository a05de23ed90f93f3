import { readFileSync } from 'node:fs';
import { connect } from '../context/connect.ts';
import { readConfigFile, writeConfigFile } from '../context/config-file.ts';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

export interface LoginFlags {
  readonly tokenFile?: string;
}

const maxTokenChars = 10_000;

/**
 * Saves a token for a server, after the server has said whose it is. The token comes from a file or from standard input:
 * an argument would stay in the shell's history and be seen in the list of processes.
 */
export async function login(invocation: Invocation, flags: LoginFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const { server, configFile } = invocation.target();
  const token = await readToken(invocation, flags.tokenFile);
  const actor = await connect(server, token, terminal, surroundings.interruption).call('whoami');
  const config = readConfigFile(configFile);
  writeConfigFile(configFile, { ...config, server, tokens: { ...config.tokens, [server]: token } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify({ server, ...actor }));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} signed in to ${server} as ${actor.name}`);
  if ((surroundings.env['MUSTER_TOKEN'] ?? '') !== '')
    terminal.warn(`${terminal.symbols.warning} MUSTER_TOKEN is set and goes before what was saved`);
  terminal.note('Next   muster status');
}

async function readToken(invocation: Invocation, file: string | undefined): Promise<string> {
  const { surroundings, terminal } = invocation;
  let text: string;
  if (file !== undefined && file !== '-') {
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      throw new UsageError(`${file} cannot be read (${code})`, 'Name the file that holds the token.', '--token-file');
    }
  } else if (terminal.isInteractive) {
    text = await askHidden(invocation);
  } else {
    text = '';
    for await (const chunk of surroundings.stdin) {
      text += String(chunk);
      if (text.length > maxTokenChars) break;
    }
  }
  const token = text.trim();
  if (token === '')
    throw new UsageError('there is no token', 'Name a file with --token-file, or pipe the token in.', '--token-file');
  if (token.length > maxTokenChars || /\s/.test(token))
    throw new UsageError('this is not a token', 'A token is one line without spaces.', '--token-file');
  return token;
}

/** Asks for the token without showing it. */
async function askHidden({ surroundings }: Invocation): Promise<string> {
  const { createInterface } = await import('node:readline/promises');
  const { Writable } = await import('node:stream');
  surroundings.stderr.write('Token: ');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: surroundings.stdin, output: nowhere, terminal: true });
  try {
    return await lines.question('', { signal: surroundings.interruption });
  } finally {
    lines.close();
    surroundings.stderr.write('\n');
  }
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

/** Whose token it is. */
export async function whoami(invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  const target = invocation.target();
  const actor = await (await invocation.client()).call('whoami');
  if (invocation.flags.json === true) return terminal.print(JSON.stringify({ server: target.server, ...actor }));
  if (invocation.flags.output === 'name') return terminal.print(actor.name);
  const teams = Object.entries(actor.teams)
    .map(([team, roles]) => `${team} (${roles.join(', ')})`)
    .join(', ');
  terminal.print(`${actor.name}, ${actor.kind}${teams === '' ? '' : `, in ${teams}`}`);
  terminal.note(
    `on ${target.server}, by the token of ${target.tokenFrom === 'config' ? target.configFile : 'MUSTER_TOKEN'}`,
  );
}
