import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MusterError } from '@muster-ml/protocol';
import { type ProgramEnd, runProgram } from '../platform/processes/index.ts';
import {
  type Cage,
  type ConfiningTools,
  type IsolationLevel,
  type Program,
  confine,
  confinementFile,
  isolationLevels,
  modelsOf,
  scratchOf,
  seenFolderOf,
} from './confine.ts';
import { adviceFor, namespaceObstacle } from './isolation-advice.ts';
import { freeUserBlock } from './user-range.ts';

/** How runners are caged on this machine, found out by doing it. */
export interface Isolation {
  readonly level: IsolationLevel;
  /** What it keeps from a runner, and what would be stronger; for `status` and `doctor`. */
  readonly advice: string;
  readonly tools: ConfiningTools;
  /** First user id that runners may take; null: they run as our own user. */
  readonly firstUid: number | null;
}

export type IsolationWish = 'auto' | 'required' | IsolationLevel;

export interface IsolationProbe {
  readonly wish: IsolationWish;
  /** Where cages are made; the probe makes one and removes it. */
  readonly cagesFolder: string;
  readonly runtimeDir: string;
  /** Folders that a runner must not see. */
  readonly hidden: readonly string[];
  /** The environment of runners; its PATH finds the tools. */
  readonly environment: Readonly<Record<string, string>>;
  /** Node as runners are started with it. */
  readonly node: Pick<Program, 'command' | 'readable'>;
  /** Whether cages may get users of their own. */
  readonly ownUsers: boolean;
}

/** Long, because a level that is given up on a busy machine would be a weaker cage without a reason. */
const trialLimitMs = 30_000;

/** Tries what a runner must be able to do, and what it must not; prints what went. */
const trialProgram = `
const fs = require('node:fs'), net = require('node:net');
const [models, scratch, socket, secret] = process.argv.slice(1);
const may = (action) => { try { action(); return true; } catch { return false; } };
const found = { reads: may(() => fs.readFileSync(models + '/trial')), writes: may(() => fs.writeFileSync(scratch + '/trial', '')), seesSecret: may(() => fs.readFileSync(secret)) };
const server = net.createServer();
server.on('error', () => report(false));
server.listen(socket, () => report(true));
function report(listens) { process.stdout.write(JSON.stringify({ ...found, listens }), () => process.exit(0)); }
`;

/**
 * Finds the strongest level that works here, by starting a trial program at each; takes the wished one otherwise.
 * Throws `isolation_unavailable` where the wish cannot be met.
 */
export async function probeIsolation(probe: IsolationProbe): Promise<Isolation> {
  const bare = findTools(probe.environment);
  const withLandlock = once(() => ({ ...bare, landlock: findLandlock(probe.environment) }));
  const firstUid = probe.ownUsers && process.getuid?.() === 0 ? freeUserBlock() : null;
  const wanted = probe.wish === 'auto' || probe.wish === 'required' ? isolationLevels : [probe.wish];
  const reasons: string[] = [];
  for (const level of wanted) {
    for (const uid of usersFor(level, firstUid)) {
      // Asking a Python takes a while, and the strongest levels do without.
      const tools = level === 'bubblewrap' || (level === 'namespaces' && uid !== null) ? bare : withLandlock();
      const reason = await tryLevel(level, probe, tools, uid);
      if (reason === null) return { level, advice: advise(level, uid, tools), tools, firstUid: uid };
      reasons.push(`${level}: ${reason}`);
    }
  }
  if (probe.wish !== 'auto' && probe.wish !== 'none') {
    throw new MusterError(
      'isolation_unavailable',
      `runners.isolation is ${probe.wish}, and it does not work here (${reasons.join('; ')})`,
      { place: 'runners.isolation' },
    );
  }
  return { level: 'none', advice: advise('none', null, bare), tools: bare, firstUid: null };
}

function advise(level: IsolationLevel, uid: number | null, tools: ConfiningTools): string {
  const hasLandlock = tools.landlock !== null;
  return adviceFor({ level, hasOwnUser: uid !== null, hasLandlock, obstacle: namespaceObstacle() });
}

/** As which users a level is tried, the best first; null is our own. None for `none`, which needs no trial. */
function usersFor(level: IsolationLevel, firstUid: number | null): readonly (number | null)[] {
  switch (level) {
    case 'bubblewrap':
      return [null];
    case 'namespaces':
      return firstUid === null ? [null] : [firstUid, null];
    case 'uid':
      return [firstUid];
    case 'landlock':
      return [null];
    case 'none':
      return [];
  }
}

async function tryLevel(
  level: IsolationLevel,
  probe: IsolationProbe,
  tools: ConfiningTools,
  uid: number | null,
): Promise<string | null> {
  if (level === 'bubblewrap' && !tools.bwrap) return 'bwrap is not installed';
  if (level === 'namespaces' && !(tools.unshare && tools.setpriv))
    return 'unshare and setpriv of util-linux are not installed';
  if (level === 'uid' && !tools.setpriv) return 'setpriv of util-linux is not installed';
  if (level === 'uid' && uid === null) return 'only root may start processes of another user';
  if (level === 'landlock' && tools.landlock === null)
    return 'the kernel has no Landlock, or there is no Python to set it';
  const folder = join(probe.cagesFolder, 'trial');
  const socketFolder = join(probe.runtimeDir, 'trial');
  const secret = join(probe.cagesFolder, 'trial.secret');
  const cage: Cage = { folder, socketFolder, hidden: probe.hidden, uid };
  try {
    writeFileSync(secret, '', { mode: 0o600 });
    makeCage(cage);
    writeFileSync(join(folder, 'models/trial'), '', { mode: 0o444 });
    if (level === 'uid') openWayTo(probe);
    const script = [
      '-e',
      trialProgram,
      join(seenFolderOf(level, cage), 'models'),
      join(seenFolderOf(level, cage), 'scratch'),
      join(socketFolder, 's'),
      secret,
    ];
    const line = confine(
      level,
      { command: probe.node.command, arguments: script, readable: probe.node.readable },
      cage,
      tools,
    );
    const end = await runProgram({
      ...line,
      environment: probe.environment,
      workingDirectory: scratchOf(cage),
      timeoutMs: trialLimitMs,
      memoryBytes: 1024 ** 3,
      maxOutputBytes: 4096,
    });
    return judgeTrial(end);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const path of [folder, socketFolder, secret]) rmSync(path, { recursive: true, force: true });
  }
}

function judgeTrial(end: ProgramEnd): string | null {
  if (end.outcome !== 'done')
    return `${end.detail}${end.errorTail === '' ? '' : `, ${end.errorTail.trim().split('\n').at(-1)}`}`;
  const found = JSON.parse(Buffer.from(end.output).toString('utf8')) as {
    reads: boolean;
    writes: boolean;
    listens: boolean;
    seesSecret: boolean;
  };
  if (!found.reads) return 'the runner could not read its model';
  if (!found.writes) return 'the runner could not write to its scratch folder';
  if (!found.listens) return 'the runner could not make its socket';
  return found.seesSecret ? 'the runner could read the data directory' : null;
}

/** Makes the folders of a cage, owned by whom it is for. */
export function makeCage(cage: Cage): void {
  const models = modelsOf(cage);
  const own = [scratchOf(cage), cage.socketFolder];
  for (const folder of [models, ...own]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (cage.uid === null) return;
  for (const folder of own) chownSync(folder, cage.uid, cage.uid);
  // Others pass through to what is theirs; nobody but us lists these folders.
  for (const folder of [cage.folder, models]) chmodSync(folder, 0o711);
}

/** At the level `uid` runners reach their folders by path: those above are made passable, not listable, and files in them are 0600. */
function openWayTo(probe: IsolationProbe): void {
  for (const folder of [join(probe.cagesFolder, '..'), probe.cagesFolder, probe.runtimeDir]) chmodSync(folder, 0o711);
}

function findTools(environment: IsolationProbe['environment']): ConfiningTools {
  const has = (tool: string): boolean =>
    spawnSync(tool, ['--version'], { stdio: 'ignore', timeout: 2_000, env: { ...environment } }).status === 0;
  return {
    bwrap: has('bwrap'),
    unshare: has('unshare'),
    setpriv: has('setpriv'),
    taskset: has('taskset'),
    landlock: null,
  };
}

/** Any Python can tell whether the kernel has Landlock, and set it for programs that cannot. */
function findLandlock(environment: IsolationProbe['environment']): ConfiningTools['landlock'] {
  for (const python of ['/usr/bin/python3', '/usr/local/bin/python3', 'python3']) {
    const { status, stdout } = spawnSync(python, ['-I', '-S', confinementFile(), '--abi'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: trialLimitMs,
      env: { ...environment },
    });
    if (status !== 0) continue;
    const [abi = '', executable = ''] = stdout.trim().split(' ');
    if (Number(abi) > 0 && executable.startsWith('/')) return { python: executable, abi: Number(abi) };
  }
  return null;
}

function once<R>(work: () => R): () => R {
  let answer: { readonly value: R } | undefined;
  return () => (answer ??= { value: work() }).value;
}
