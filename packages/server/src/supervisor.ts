import { randomBytes } from 'node:crypto';
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { MusterError, type ProcessStatus } from '@muster-ml/protocol';
import { type ChildEnvironments, type Configuration, showConfiguration, urlOf } from './config/index.ts';
import { systemClock } from './platform/clock/index.ts';
import {
  type FolderLock,
  SupervisedProcess,
  claimPort,
  lockFolder,
  makePrivateFolder,
  makeRuntimeFolder,
  processesTopic,
  readProcessTable,
} from './platform/processes/index.ts';
import { type Logger, openLogger } from './platform/telemetry/index.ts';
import { type Program, runnersTopic, serveRuntimeHost, startLocalRuntimeHost } from './runners/index.ts';

export interface SupervisorOptions {
  readonly configuration: Configuration;
  readonly environments: ChildEnvironments;
  /** The file that starts control and gateway, each by its name as the first argument. */
  readonly program: string;
  /** How the ONNX runtime is started, where it is not the one that comes along. */
  readonly onnx?: Program;
  /** Version of Muster. */
  readonly software: string;
  /** Tells the person at the terminal. */
  readonly print: (line: string) => void;
}

/** A Muster that answers. */
export interface RunningMuster {
  readonly url: string;
  /** Ends everything in order: the gateway finishes what it accepted, then control, then the runners. */
  drain(): Promise<void>;
  /** Ends everything at once. */
  kill(): void;
}

const startLimitMs = 60_000;
const controlDrainMs = 20_000;
const statusEveryMs = 1_000;
const leastFreeBytes = 16 * 1024 * 1024;

/**
 * `muster up`: checks what could be in the way, starts control, gateway and the runtime host, and keeps them running.
 * Throws what keeps it from starting, with nothing left behind: `data_dir_in_use`, `port_taken`, `disk_full`, and whatever
 * a child gives as its reason.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<RunningMuster> {
  const { configuration } = options;
  makePrivateFolder(configuration.dataDir);
  const lock = lockDataDir(configuration.dataDir);
  try {
    checkDisk(configuration.dataDir);
    const port = await claimPort(configuration.host, configuration.port);
    makeRuntimeFolder(configuration.runtimeDir);
    const { logger, close } = openLogger({
      role: 'supervisor',
      folder: join(configuration.dataDir, 'logs'),
      ...configuration.log,
    });
    logger.info({ configuration: showConfiguration(configuration), software: options.software }, 'starting');

    const settings: Configuration = {
      ...configuration,
      port,
      internal: { ...configuration.internal, token: randomBytes(32).toString('hex') },
    };
    const starting = startLocalRuntimeHost({ ...options, environment: options.environments.runner, log: logger });
    const control = superviseRole('control', options, logger, settings);
    const gateway = superviseRole('gateway', options, logger, settings);
    const kill = (): void => {
      gateway.kill();
      control.kill();
      starting.then(
        (host) => host.kill(),
        () => {},
      );
    };
    serveRuntimeHost(control.topic(runnersTopic), starting);
    const stopTelling = tellProcesses(control, [control, gateway]);

    try {
      const slow = setTimeout(options.print, 300, `Starting Muster in ${configuration.dataDir} …`);
      const [controlFacts] = await Promise.all([control.start(), gateway.start(), starting]).finally(() =>
        clearTimeout(slow),
      );
      const url = urlOf(settings);
      logger.info({ url }, 'ready');
      greet(options, url, controlFacts['signedInAs']);
      const drain = async (): Promise<void> => {
        logger.info('draining');
        stopTelling();
        await gateway.drain(configuration.gateway.drainMs + 5_000);
        await control.drain(controlDrainMs);
        await (await starting).stop();
        rmSync(configuration.runtimeDir, { recursive: true, force: true });
        logger.info('stopped');
        close();
        lock.release();
      };
      return { url, drain, kill };
    } catch (error) {
      stopTelling();
      logger.error({ err: error }, 'could not start');
      kill();
      close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockDataDir(dataDir: string): FolderLock {
  const lock = lockFolder(dataDir, 'supervisor');
  if ('release' in lock) return lock;
  const holder = lock.heldBy === null ? 'another process' : `process ${lock.heldBy}`;
  throw new MusterError('data_dir_in_use', `${holder} runs Muster on ${dataDir}`, {
    place: '--data-dir',
    details: { pid: lock.heldBy },
  });
}

function checkDisk(dataDir: string): void {
  const { bavail, bsize } = statfsSync(dataDir);
  if (bavail * bsize >= leastFreeBytes) return;
  throw new MusterError(
    'disk_full',
    `the volume of ${dataDir} has ${bavail * bsize} bytes left; Muster needs at least ${leastFreeBytes} to start`,
    { place: dataDir },
  );
}

function superviseRole(
  role: 'control' | 'gateway',
  options: SupervisorOptions,
  log: Logger,
  settings: Configuration,
): SupervisedProcess {
  return new SupervisedProcess({
    role,
    program: options.program,
    arguments: [role, '--supervised'],
    environment: options.environments.server,
    settings,
    // A control that was killed leaves its socket, and the next one could not listen on it.
    beforeStart: () => {
      const { controlAddress } = options.configuration.internal;
      if (role === 'control' && controlAddress.startsWith('unix:'))
        rmSync(controlAddress.slice('unix:'.length), { force: true });
    },
    clock: systemClock,
    startLimitMs,
    onOutput: (line) => log.warn({ from: role }, line),
    onChange: () => {},
    onIncident: (text, error) => log.error({ from: role, ...(error === undefined ? {} : { code: error.code }) }, text),
  });
}

/** Tells control each second how the processes are; it also makes up for what a control that just started has missed. */
function tellProcesses(control: SupervisedProcess, roles: readonly SupervisedProcess[]): () => void {
  const topic = control.topic<never, readonly ProcessStatus[]>(processesTopic);
  const startedAt = new Date().toISOString();
  const tell = (): void => {
    const table = readProcessTable();
    const memoryOf = (pid: number | null): number | null => (pid === null ? null : table.rssOf(pid));
    const own: ProcessStatus = {
      role: 'supervisor',
      id: 'supervisor',
      state: 'running',
      pid: process.pid,
      startedAt,
      restarts: 0,
      memoryBytes: memoryOf(process.pid),
    };
    topic.send([
      own,
      ...roles.map((role) => role.status()).map((status) => ({ ...status, memoryBytes: memoryOf(status.pid) })),
    ]);
  };
  const timer = setInterval(tell, statusEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}

function greet({ configuration, print }: SupervisorOptions, url: string, signedInAs: unknown): void {
  const signedIn = typeof signedInAs === 'string' ? ` · signed in as ${signedInAs}` : '';
  print(`Muster on ${url} · data in ${configuration.dataDir}${signedIn}`);
  print('Next, in another terminal:  muster deploy model.onnx --name my-model');
}
