import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RestoreReport } from '@muster-ml/protocol';
import { type Check, checkRestored } from '../drill/check-restored.ts';
import { findBackup } from '../drill/find-backup.ts';
import { runRestore } from '../drill/run-restore.ts';
import { type DrillServer, freePort, placeFlags, startDrillServer } from '../drill/start-server.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { safeText } from '../output/text-width.ts';
import { sizeText } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';

export interface BackupVerifyFlags {
  /** How long the models may take, in seconds. */
  readonly wait?: string;
}

const defaultWaitSeconds = 300;
const mostWaitSeconds = 86_400;
const startLimitMs = 90_000;

/**
 * A drill: restores a backup into a temporary folder, starts a server on it, compares, and has one endpoint of each runtime
 * predict. Whatever happens, server and folder are gone afterwards. Exit code 1 where a check fails.
 */
export async function backupVerify(invocation: Invocation, what: string, flags: BackupVerifyFlags): Promise<number> {
  const { terminal, surroundings } = invocation;
  const waitMs = readWait(flags.wait) * 1000;
  const backup = await findBackup(invocation, what);
  const folder = await mkdtemp(join(tmpdir(), 'muster-drill-'));
  const step = beginStep(terminal, 'restoring into a temporary folder');
  const checks: Check[] = [];
  let server: DrillServer | undefined;
  try {
    const place = {
      folder,
      port: await freePort(),
      env: drillEnvironment(surroundings.env),
      signal: surroundings.interruption,
    };
    const report = await runRestore({
      words: [backup, ...placeFlags(place), '--drill'],
      env: place.env,
      workingDirectory: folder,
      signal: place.signal,
      onProgress: (text) => step.update(safeText(text)),
    });
    checks.push(...restoreChecks(report));
    step.update('starting a server on it');
    server = await startDrillServer(place, startLimitMs);
    step.update('comparing and predicting');
    for await (const check of checkRestored(server.client, report, { waitMs, signal: place.signal }))
      checks.push(check);
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    step.drop();
  }
  return show(invocation, backup, checks);
}

function restoreChecks({ facts, objects, migrated, database, version }: RestoreReport): Check[] {
  const { size, broken } = facts.ledger;
  const rows = Object.values(facts.tables).reduce((sum, count) => sum + count, 0);
  return [
    { what: 'manifest', ok: true, found: `made by Muster ${version}` },
    {
      what: 'database',
      ok: true,
      found: `${database}, sound: ${rows} rows in ${Object.keys(facts.tables).length} tables`,
    },
    { what: 'files', ok: true, found: `${objects.count}, ${sizeText(objects.bytes)}, each with its digest` },
    broken === null
      ? { what: 'ledger', ok: true, found: `${size} entries, whole` }
      : { what: 'ledger', ok: false, found: `${size} entries; entry ${broken} was broken when the backup was made` },
    {
      what: 'upgrade',
      ok: true,
      found: migrated.length === 0 ? 'none was needed' : `${migrated.length} migrations, up to ${migrated.at(-1)}`,
    },
  ];
}

function show(invocation: Invocation, backup: string, checks: readonly Check[]): number {
  const { terminal } = invocation;
  const ok = checks.every((check) => check.ok);
  if (invocation.flags.json === true) {
    terminal.print(JSON.stringify({ ok, backup, checks }));
    return ok ? 0 : 1;
  }
  const { symbols, paint } = terminal;
  const width = Math.max(...checks.map((check) => check.what.length)) + 2;
  for (const check of checks)
    terminal.print(
      `${check.ok ? paint.green(symbols.done) : paint.red(symbols.failed)} ${check.what.padEnd(width)}${safeText(check.found)}`,
    );
  terminal.note(ok ? '\nIt can be restored.' : '\nIt did not pass.');
  return ok ? 0 : 1;
}

/** A drill must not meet anything of the installation that runs: it gets none of its settings but the database to fill. */
function drillEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || (name.startsWith('MUSTER_') && name !== 'MUSTER_DATABASE_URL') ? [] : [[name, value]],
    ),
  );
}

function readWait(text: string | undefined): number {
  if (text === undefined) return defaultWaitSeconds;
  const seconds = Number(text);
  if (/^\d+$/.test(text) && seconds >= 1 && seconds <= mostWaitSeconds) return seconds;
  throw new UsageError(`\`${text}\` is no number of seconds`, `Write 1 to ${mostWaitSeconds}.`, '--wait');
}
