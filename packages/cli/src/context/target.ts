import type { Surroundings } from '../surroundings.ts';
import { configFilePath, readConfigFile } from './config-file.ts';
import { defaultServer, serverUrl, spellings } from './server-url.ts';

/** Which server a command talks to and as whom, and where that was found: flag > environment > configuration > default. */
export interface Target {
  readonly server: string;
  readonly serverFrom: '--server' | 'MUSTER_SERVER' | 'config' | 'default';
  readonly token: string | undefined;
  readonly tokenFrom: 'MUSTER_TOKEN' | 'config' | undefined;
  readonly configFile: string;
}

/** Throws `UsageError` for an address or a configuration file that cannot be read. */
export function findTarget(
  surroundings: Pick<Surroundings, 'env' | 'homeDirectory'>,
  flag: string | undefined,
): Target {
  const configFile = configFilePath(surroundings);
  const config = readConfigFile(configFile);
  const fromEnv = surroundings.env['MUSTER_SERVER'] || undefined;
  const [server, serverFrom] =
    flag !== undefined
      ? [serverUrl(flag, '--server'), '--server' as const]
      : fromEnv !== undefined
        ? [serverUrl(fromEnv, 'MUSTER_SERVER'), 'MUSTER_SERVER' as const]
        : config.server !== undefined
          ? [serverUrl(config.server, configFile), 'config' as const]
          : [defaultServer, 'default' as const];
  const tokenOfEnv = surroundings.env['MUSTER_TOKEN'] || undefined;
  if (tokenOfEnv !== undefined) return { server, serverFrom, token: tokenOfEnv, tokenFrom: 'MUSTER_TOKEN', configFile };
  const known = new Map(Object.entries(config.tokens ?? {}));
  const spelling = [server, ...spellings(server)].find((candidate) => known.has(candidate));
  const token = spelling === undefined ? undefined : known.get(spelling);
  return { server, serverFrom, token, tokenFrom: token === undefined ? undefined : 'config', configFile };
}
