import { timingSafeEqual } from 'node:crypto';
import { userInfo } from 'node:os';
import { MusterError, type ProcessStatus } from '@muster-ml/protocol';
import { type Configuration, ownEnvironments, urlOf } from './config/index.ts';
import { type IdentityRoom, saveLogin, savedLogin } from './identity/index.ts';
import type { Database } from './platform/database/index.ts';
import type { Channel } from './platform/processes/index.ts';
import type { Logger } from './platform/telemetry/index.ts';
import {
  ChannelRuntimeHost,
  type EnvironmentHost,
  type InspectionHost,
  type RunnerEnder,
  type RuntimeHost,
  runnersTopic,
  startLocalRuntimeHost,
} from './runners/index.ts';

/** A failed commit leaves the state of the disk unknown: only a restart finds out what was acknowledged. */
export function endAtOnce(error: MusterError): void {
  process.stderr.write(`${error.title}: ${error.message}\n`);
  process.exit(1);
}

export function internalTokenOf({ internal }: Configuration): string {
  if (internal.token !== undefined) return internal.token;
  throw new MusterError(
    'invalid_configuration',
    'control on its own shares a secret with its gateways, and none is set',
    {
      place: 'internal.token',
      remedy: 'Set internal.tokenFile to a file with at least 16 random characters, here and for the gateways.',
    },
  );
}

/**
 * Sees that whoever starts Muster on this machine is signed in: the first start makes the admin, and a login that was
 * lost with the configuration folder is renewed, because who owns the database file owns the installation. On
 * PostgreSQL only the first start does so.
 */
export async function signIn(identity: IdentityRoom, database: Database, settings: Configuration): Promise<string> {
  const server = urlOf(settings);
  const saved = await savedLogin(settings.configDir, server);
  const isKnown = await identity.authenticate(saved).then(
    () => true,
    () => false,
  );
  const name = userInfo().username;
  const token = await identity.ensureAdmin({ name, renew: !isKnown && database.kind === 'sqlite' });
  if (token !== undefined) await saveLogin(settings.configDir, server, token);
  return name;
}

/** The supervisor's runtime host over its channel; a control on its own has one itself. */
export async function runtimeHostOf(
  settings: Configuration,
  parent: Channel | null,
  software: string,
  log: Logger,
): Promise<{
  readonly host: RuntimeHost & InspectionHost & EnvironmentHost & RunnerEnder;
  readonly stop: () => Promise<void>;
}> {
  if (parent === null) {
    const { runner, tools } = ownEnvironments();
    const local = await startLocalRuntimeHost({
      configuration: settings,
      environment: runner,
      toolEnvironment: tools,
      software,
      log,
    });
    return { host: local, stop: async () => await local.stop() };
  }
  const host = new ChannelRuntimeHost(parent.topic(runnersTopic), settings.runtimeDir);
  await host.ready;
  return { host, stop: async () => {} };
}

export function ownProcess(): readonly ProcessStatus[] {
  const startedAt = new Date(Date.now() - process.uptime() * 1000).toISOString();
  return [
    {
      role: 'control',
      id: 'control',
      state: 'running',
      pid: process.pid,
      startedAt,
      restarts: 0,
      memoryBytes: process.memoryUsage.rss(),
    },
  ];
}

export function equals(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
