import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { InstallationStatus } from '@muster-ml/protocol';
import type { Target } from '../context/target.ts';
import type { Invocation } from '../invocation.ts';
import { safeText } from '../output/text-width.ts';
import { softwareVersion } from '../software-version.ts';
import { durationText } from '../units/duration.ts';
import { sizeText } from '../units/size.ts';

type Verdict = 'ok' | 'warning' | 'problem';

/** What was found out about one thing, and what to do where it is not as it should be. */
export interface Finding {
  readonly what: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly remedy?: string;
}

export interface DoctorFlags {
  readonly dataDir?: string;
}

const lowBytes = 1024 ** 3;
const mostSkewMs = 5_000;

/** Looks at everything that commonly is in the way, here and at the server. Exit code 1 where there is a problem. */
export async function doctor(invocation: Invocation, flags: DoctorFlags): Promise<number> {
  const { terminal, surroundings } = invocation;
  const findings = [
    ...local(
      invocation,
      resolve(surroundings.workingDirectory, flags.dataDir ?? surroundings.env['MUSTER_DATA_DIR'] ?? '.muster'),
    ),
    ...(await remote(invocation)),
  ];
  const hasProblem = findings.some(({ verdict }) => verdict === 'problem');
  if (invocation.flags.json === true) {
    terminal.print(JSON.stringify({ ok: !hasProblem, findings }));
    return hasProblem ? 1 : 0;
  }
  const { symbols, paint } = terminal;
  const sign: Record<Verdict, string> = {
    ok: paint.green(symbols.done),
    warning: paint.yellow(symbols.warning),
    problem: paint.red(symbols.failed),
  };
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2;
  for (const { what, verdict, found, remedy } of findings) {
    terminal.print(`${sign[verdict]} ${what.padEnd(width)}${safeText(found)}`);
    if (remedy !== undefined) terminal.print(`  ${' '.repeat(width)}${symbols.arrow} ${safeText(remedy)}`);
  }
  const count = findings.filter(({ verdict }) => verdict !== 'ok').length;
  terminal.note(count === 0 ? '\nAll is well. Next:  muster status' : `\n${count} of ${findings.length} need a look.`);
  return hasProblem ? 1 : 0;
}

function local(invocation: Invocation, dataDir: string): Finding[] {
  const major = Number(process.versions.node.split('.')[0]);
  const findings: Finding[] = [
    { what: 'muster', verdict: 'ok', found: softwareVersion() },
    major >= 24
      ? { what: 'node', verdict: 'ok', found: process.version }
      : { what: 'node', verdict: 'problem', found: process.version, remedy: 'Muster needs Node 24.' },
  ];
  const target = invocation.target();
  findings.push(configFinding(target), dataDirFinding(dataDir), diskFinding(dataDir));
  return findings;
}

function configFinding({ configFile, tokenFrom, server }: Target): Finding {
  if (!existsSync(configFile)) {
    return tokenFrom === 'MUSTER_TOKEN'
      ? { what: 'sign-in', verdict: 'ok', found: 'MUSTER_TOKEN' }
      : {
          what: 'sign-in',
          verdict: 'warning',
          found: `no ${configFile}`,
          remedy: 'Start muster up, or sign in with muster login.',
        };
  }
  const mode = statSync(configFile).mode & 0o777;
  if ((mode & 0o077) !== 0 && process.platform !== 'win32')
    return {
      what: 'sign-in',
      verdict: 'problem',
      found: `others can read the tokens in ${configFile}`,
      remedy: `chmod 600 ${configFile}`,
    };
  if (tokenFrom === undefined)
    return {
      what: 'sign-in',
      verdict: 'warning',
      found: `no token for ${server} in ${configFile}`,
      remedy: 'Sign in with muster login.',
    };
  return { what: 'sign-in', verdict: 'ok', found: tokenFrom === 'config' ? configFile : 'MUSTER_TOKEN' };
}

function dataDirFinding(dataDir: string): Finding {
  if (!existsSync(dataDir)) return { what: 'data', verdict: 'ok', found: `${dataDir} is made by muster up here` };
  try {
    accessSync(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    return { what: 'data', verdict: 'ok', found: dataDir };
  } catch {
    return {
      what: 'data',
      verdict: 'problem',
      found: `${dataDir} cannot be written`,
      remedy: 'Run as the user it belongs to, or choose another with --data-dir.',
    };
  }
}

function diskFinding(dataDir: string): Finding {
  let folder = dataDir;
  while (!existsSync(folder)) folder = resolve(folder, '..');
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const found = `${sizeText(freeBytes)} free for ${dataDir}`;
  return freeBytes >= lowBytes
    ? { what: 'disk', verdict: 'ok', found }
    : { what: 'disk', verdict: 'warning', found, remedy: 'Free space: models and the database need it.' };
}

async function remote(invocation: Invocation): Promise<Finding[]> {
  const { server, serverFrom, token } = invocation.target();
  const client = await invocation.client();
  const found = `${server} (from ${serverFrom})`;
  const startedAt = Date.now();
  let response: Response;
  try {
    response = await client.request('/livez');
  } catch (error) {
    return [
      {
        what: 'server',
        verdict: 'problem',
        found: messageOf(error),
        remedy: `Start one with muster up, or name the right address: --server, MUSTER_SERVER; now it is ${found}.`,
      },
    ];
  }
  const tookMs = Date.now() - startedAt;
  await response.body?.cancel();
  const reached: Finding = response.ok
    ? { what: 'server', verdict: 'ok', found: `${found} answers in ${durationText(tookMs)}` }
    : {
        what: 'server',
        verdict: 'warning',
        found: `${found} answers ${response.status}`,
        remedy: 'It starts or drains; see its log.',
      };
  const findings: Finding[] = [reached, ...clockFinding(response.headers.get('date'), startedAt + tookMs / 2)];
  if (token === undefined) return findings;
  try {
    return [...findings, ...statusFindings(await client.call('status'))];
  } catch (error) {
    const remedy = error instanceof Error && 'remedy' in error ? String(error.remedy) : 'See the log of the server.';
    return [...findings, { what: 'status', verdict: 'problem', found: messageOf(error), remedy }];
  }
}

function clockFinding(date: string | null, hereMs: number): Finding[] {
  const thereMs = date === null ? NaN : Date.parse(date);
  if (Number.isNaN(thereMs)) return [];
  // The header has whole seconds: up to one of them is rounding.
  const skewMs = Math.abs(thereMs + 500 - hereMs);
  return skewMs <= mostSkewMs
    ? [{ what: 'clock', verdict: 'ok', found: 'agrees with the server' }]
    : [
        {
          what: 'clock',
          verdict: 'warning',
          found: `differs from the server by ${durationText(skewMs)}`,
          remedy: 'Set both by NTP: tokens and times depend on it.',
        },
      ];
}

function statusFindings(status: InstallationStatus): Finding[] {
  const { isolation, database, objects, processes, counts } = status;
  const ailing = processes.filter(({ state }) => state === 'failed' || state === 'restarting');
  const here = softwareVersion();
  return [
    status.version === here
      ? { what: 'version', verdict: 'ok', found: `server ${status.version}` }
      : {
          what: 'version',
          verdict: 'warning',
          found: `server ${status.version}, this command line ${here}`,
          remedy: 'Use the same version on both sides.',
        },
    database.ok
      ? { what: 'database', verdict: 'ok', found: database.kind }
      : {
          what: 'database',
          verdict: 'problem',
          found: `${database.kind} does not answer`,
          remedy: 'See the log of the server.',
        },
    objects.ok
      ? { what: 'objects', verdict: 'ok', found: objects.kind }
      : {
          what: 'objects',
          verdict: 'problem',
          found: `${objects.kind} does not answer`,
          remedy: 'Check the volume of the data directory.',
        },
    isolation.level === 'none'
      ? {
          what: 'isolation',
          verdict: 'warning',
          found: 'none: a model file runs with the rights of the server, so Python models are for one person only',
          remedy: isolation.advice,
        }
      : {
          what: 'isolation',
          verdict: 'ok',
          found: isolation.level,
          ...(isolation.advice === '' ? {} : { remedy: isolation.advice }),
        },
    ailing.length === 0
      ? { what: 'processes', verdict: 'ok', found: `${processes.length} run` }
      : {
          what: 'processes',
          verdict: 'problem',
          found: ailing
            .map(({ role, id, state, detail }) => `${role} ${id} ${state}${detail === undefined ? '' : `: ${detail}`}`)
            .join('; '),
          remedy: 'See the logs in the data directory.',
        },
    counts.ready === counts.endpoints
      ? { what: 'endpoints', verdict: 'ok', found: `${counts.ready} ready` }
      : {
          what: 'endpoints',
          verdict: 'warning',
          found: `${counts.endpoints - counts.ready} of ${counts.endpoints} not ready`,
          remedy: 'muster status lists them.',
        },
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
