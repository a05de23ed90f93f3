import type { Client } from '@muster-ml/client';
import { type Target, findTarget } from './context/target.ts';
import type { OutputFormat } from './output/output-format.ts';
import { type ColorChoice, type Terminal, createTerminal } from './output/terminal.ts';
import type { Surroundings } from './surroundings.ts';

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly server?: string;
  readonly json?: boolean;
  readonly output?: OutputFormat;
  readonly color?: ColorChoice;
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

/** One call of the command line: its surroundings, its global flags, and what follows from them. */
export interface Invocation {
  readonly surroundings: Surroundings;
  readonly flags: GlobalFlags;
  readonly terminal: Terminal;
  /** Which server and as whom; read at the first use. */
  target(): Target;
  /** The client of that server. Loads the schemas, so it is asked for only where a request follows. */
  client(): Promise<Client>;
}

export function createInvocation(surroundings: Surroundings, flags: GlobalFlags): Invocation {
  const terminal = createTerminal(surroundings, { color: flags.color ?? 'auto', quiet: flags.quiet === true });
  let target: Target | undefined;
  let client: Promise<Client> | undefined;
  const findOnce = (): Target => (target ??= findTarget(surroundings, flags.server));
  return {
    surroundings,
    flags,
    terminal,
    target: findOnce,
    client: async () => {
      const { server, token } = findOnce();
      return await (client ??= import('./context/connect.ts').then(({ connect }) =>
        connect(server, token, terminal, surroundings.interruption),
      ));
    },
  };
}
