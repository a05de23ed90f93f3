import { resolve } from 'node:path';
import { runRestore } from '../drill/run-restore.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { beginStep } from '../output/progress.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { safeText } from '../output/text-width.ts';
import { serverEnvironment } from '../server-program.ts';
import { sizeText } from '../units/size.ts';

export interface RestoreFlags {
  readonly dataDir: string;
  readonly config?: string;
}

/** Restores a backup on this machine, into an empty place. Nothing runs on it until `muster up` does. */
export async function restore(invocation: Invocation, backup: string, flags: RestoreFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const step = beginStep(terminal, 'restoring');
  try {
    const report = await runRestore({
      words: [
        resolve(surroundings.workingDirectory, backup),
        '--data-dir',
        flags.dataDir,
        ...(flags.config === undefined ? [] : ['--config', flags.config]),
      ],
      env: serverEnvironment(surroundings),
      workingDirectory: surroundings.workingDirectory,
      signal: surroundings.interruption,
      onProgress: (text) => step.update(safeText(text)),
    });
    const { objects, facts, dataDir } = report;
    step.done(
      `restored ${report.backup}: ${objects.count} files ${sizeText(objects.bytes)}, ${facts.ledger.size} audit entries, all checked`,
    );
    if (invocation.flags.json === true) return terminal.print(JSON.stringify(report));
    terminal.print(dataDir);
    terminal.note(
      `\nThe keys of the secrets and of the ledger are in no backup: put the copies you kept into ${dataDir} first.`,
    );
    nextCommands(terminal, [['Start it', `${commandName(invocation)} up --data-dir ${shellQuoted(dataDir)}`]]);
  } catch (error) {
    step.drop();
    throw error;
  }
}
