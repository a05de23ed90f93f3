import { MusterError, toProblem, toMusterError } from '@muster-ml/protocol';
import { restoreBackup } from './backups/index.ts';
import { ownEnvironments, readOwnConfiguration, urlOf } from './config/index.ts';
import { createIdentity, saveLogin } from './identity/index.ts';
import { createLedger } from './ledger/index.ts';
import { createIds, systemClock as clock } from './platform/clock/index.ts';
import { openDatabase } from './platform/database/index.ts';

/** Makes a token of the admin, too: for a drill, which nobody else is signed in to. */
const drillFlag = '--drill';

/**
 * `restore BACKUP [flags of up]`: restores a backup into the place that the settings name, while nothing runs on it.
 * Writes a JSON object a line to standard output: `{progress}` while it works, at last `{report}` or `{problem}`. Answers
 * the exit code.
 */
export async function runRestore(words: readonly string[]): Promise<number> {
  const flags = words.filter((word) => word !== drillFlag);
  const [backup, ...settings] = flags;
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort(new MusterError('operation_cancelled', 'it was interrupted'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  try {
    if (backup === undefined || backup.startsWith('-'))
      throw new MusterError('invalid_configuration', 'no backup is named', {
        remedy: 'Name the folder of a backup first.',
      });
    const configuration = readOwnConfiguration(settings);
    const newId = createIds(clock);
    const report = await restoreBackup({
      backup,
      dataDir: configuration.dataDir,
      databaseUrl: configuration.databaseUrl,
      environment: ownEnvironments().server,
      clock,
      newId,
      signal: interruption.signal,
      onProgress: (progress) => write({ progress }),
    });
    // The first start on an embedded database signs its user in anyway.
    if (words.includes(drillFlag) && configuration.databaseUrl !== undefined) await signIn(configuration);
    write({ report });
    return 0;
  } catch (error) {
    const problem = toProblem(toMusterError(error));
    if (problem.code === 'internal_error' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    write({ problem });
    return 1;
  }
}

function write(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** A token of the restored installation's admin, saved where the settings say. */
async function signIn(configuration: ReturnType<typeof readOwnConfiguration>): Promise<void> {
  const { databaseUrl: url, dataDir, environment, configDir } = configuration;
  const database = await openDatabase({ url, file: `${dataDir}/muster.db`, onFatal: () => {} });
  try {
    const ledger = createLedger({ clock });
    const identity = createIdentity({ database, ledger, clock, newId: createIds(clock), environment });
    const token = await identity.ensureAdmin({ name: 'admin', renew: true });
    if (token !== undefined) await saveLogin(configDir, urlOf(configuration), token);
  } finally {
    await database.close();
  }
}
