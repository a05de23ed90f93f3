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
  readPssBytes,
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
  /** How the program that inspects ONNX files is started, likewise. */
  readonly inspection?: Program;
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
/** What a gateway may take beyond its own drain before it is killed. */
const gatewayMarginMs = 5_000;
/** A start that is quicker says nothing until it is done. */
const quietStartMs = 300;
const controlDrainMs = 20_000;
const statusEveryMs = 1_000;
const leastFreeBytes = 16 * 1024 * 1024;

/**
 * `muster up`: checks what could be in the way, starts control, gateway and the runtime host, and keeps them running.
 * Throws what keeps it from starting, with nothing left behind: `data_dir_in_use`, `port_taken`, `disk_full`, and whatever
 * a child gives as its reason.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<RunningMuster> {
  const { configuration, software } = options;
  const { dataDir, host, runtimeDir } = configuration;
  makePrivateFolder(dataDir);
  const lock = lockDataDir(dataDir);
  try {
    checkDisk(dataDir);
    const port = await claimPort(host, configuration.port);
    makeRuntimeFolder(runtimeDir);
    const log = openLogger({ role: 'supervisor', folder: join(dataDir, 'logs'), ...configuration.log });
    log.logger.info({ configuration: showConfiguration(configuration), software }, 'starting');
    const internal = { ...configuration.internal, token: randomBytes(32).toString('hex') };

    const muster = await startProcesses(options, { ...configuration, port, internal }, log.logger).catch((error) => {
      log.logger.error({ err: error }, 'could not start');
      log.close();
      throw error;
    });
    const drain = async (): Promise<void> => {
      await muster.drain();
      rmSync(runtimeDir, { recursive: true, force: true });
      log.logger.info('stopped');
      log.close();
      lock.release();
    };
    return { ...muster, drain };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Control, gateway and the runtime host, started side by side: each waits for what it needs of the others by itself. */
async function startProcesses(
  options: SupervisorOptions,
  settings: Configuration,
  log: Logger,
): Promise<RunningMuster> {
  const { runner, tools } = options.environments;
  const starting = startLocalRuntimeHost({ ...options, environment: runner, toolEnvironment: tools, log });
  // Called when a process has changed, which is after all of this is made.
  const onChange = (): void => telling.tell();
  const control = superviseRole('control', options, log, settings, onChange);
  const gateway = superviseRole('gateway', options, log, settings, onChange);
  serveRuntimeHost({ topic: control.topic(runnersTopic), onEnd: (callback) => control.onEnd(callback) }, starting);
  const telling: Telling = tellProcesses(control, [control, gateway]);
  const kill = (): void => {
    gateway.kill();
    control.kill();
    starting.then(
      (host) => host.kill(),
      () => {},
    );
  };
  const drain = async (): Promise<void> => {
    log.info('draining');
    telling.stop();
    await gateway.drain(settings.gateway.drainMs + gatewayMarginMs);
    await control.drain(controlDrainMs);
    await (await starting).stop();
  };

  const slow = setTimeout(options.print, quietStartMs, `Starting Muster in ${settings.dataDir} …`);
  try {
    const [facts] = await Promise.all([control.start(), gateway.start(), starting]);
    const url = urlOf(settings);
    log.info({ url }, 'ready');
    greet(options, url, facts['signedInAs']);
    return { url, drain, kill };
  } catch (error) {
    telling.stop();
    kill();
    throw error;
  } finally {
    clearTimeout(slow);
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

/** Where CPU is short, predictions go first: control yields to the gateway and the runners. */
const niceness = { control: 5, gateway: 0 } as const;

function superviseRole(
  role: 'control' | 'gateway',
  options: SupervisorOptions,
  log: Logger,
  settings: Configuration,
  onChange: () => void,
): SupervisedProcess {
  return new SupervisedProcess({
    role,
    program: options.program,
    arguments: [role, '--supervised'],
    // A third of a gateway's start is compiling; in the data folder, because who can write it can write the program.
    environment: { NODE_COMPILE_CACHE: join(settings.dataDir, 'compiled'), ...options.environments.server },
    settings,
    niceness: niceness[role],
    // A control that was killed leaves its socket, and the next one could not listen on it.
    beforeStart: () => {
      const { controlAddress } = options.configuration.internal;
      if (role === 'control' && controlAddress.startsWith('unix:'))
        rmSync(controlAddress.slice('unix:'.length), { force: true });
    },
    clock: systemClock,
    startLimitMs,
    onOutput: (line) => log.warn({ from: role }, line),
    onChange,
    onIncident: (text, error) => log.error({ from: role, ...(error === undefined ? {} : { code: error.code }) }, text),
  });
}

interface Telling {
  tell(): void;
  stop(): void;
}

/**
 * Tells control how the processes are: when one of them changed, and each second, which also makes up for what a control
 * that just started has missed.
 */
function tellProcesses(control: SupervisedProcess, roles: readonly SupervisedProcess[]): Telling {
  const topic = control.topic<never, readonly ProcessStatus[]>(processesTopic);
  const startedAt = new Date().toISOString();
  // The share of what several processes have in common, where the system tells it: then the sum is what Muster takes.
  const memoryOf = (pid: number | null): number | null =>
    pid === null ? null : (readPssBytes(pid) ?? readProcessTable().rssOf(pid));
  const tell = (): void => {
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
  return { tell, stop: () => clearInterval(timer) };
}

function greet({ configuration, print }: SupervisorOptions, url: string, signedInAs: unknown): void {
  const signedIn = typeof signedInAs === 'string' ? ` · signed in as ${signedInAs}` : '';
  print(`Muster on ${url} · data in ${configuration.dataDir}${signedIn}`);
  print('Next, in another terminal:  muster deploy model.onnx --name my-model');
}
