import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { readAction } from '../context/read-action.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { timeText } from '../output/time-text.ts';
import { tokenLimitsText } from '../output/token-text.ts';
import { readDays } from '../units/days.ts';
import { UsageError } from '../usage-error.ts';

export interface TokenCreateFlags {
  readonly for?: string;
  readonly note?: string;
  readonly expires?: string;
  readonly action?: readonly string[];
  readonly resource?: readonly string[];
  readonly outputFile?: string;
}

const mostDays = 365;

/** Makes a token. It stands alone on standard output, or in a new file that its user alone may read, and nowhere again. */
export async function tokenCreate(invocation: Invocation, flags: TokenCreateFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const { for: owner, note, expires, resource: resources, outputFile } = flags;
  const expiresInDays = expires === undefined ? undefined : readDays('--expires', expires, mostDays);
  const actions =
    flags.action === undefined
      ? undefined
      : await Promise.all(flags.action.map(async (action) => await readAction('--action', action)));
  for (const resource of resources ?? []) checkResource(resource);
  const client = await invocation.client();
  // Before the token is made: one that cannot be kept would be lost.
  using file = outputFile === undefined ? undefined : createPrivateFile(surroundings.workingDirectory, outputFile);
  const { token, ...made } = await withNearest(
    client,
    'actor',
    owner ?? '',
    async () =>
      await client.call('tokenCreate', {
        body: {
          ...(owner === undefined ? {} : { actor: owner }),
          ...(note === undefined ? {} : { note }),
          ...(expiresInDays === undefined ? {} : { expiresInDays }),
          ...(actions === undefined ? {} : { actions }),
          ...(resources === undefined ? {} : { resources: [...resources] }),
        },
      }),
  );
  file?.keep(`${token}\n`);
  if (invocation.flags.json === true)
    terminal.print(JSON.stringify(file === undefined ? { ...made, token } : { ...made, file: outputFile }));
  else if (file === undefined) terminal.print(token);
  else if (invocation.flags.output === 'name') terminal.print(made.id);
  const until = timeText(made.expiresAt, { relative: terminal.isRead, nowMs: surroundings.now() });
  const limits = tokenLimitsText(made);
  terminal.note(
    `${terminal.paintNotes.green(terminal.symbols.done)} token ${made.id} of ${made.actorName}, expires ${until}${limits === '-' ? '' : `, only ${limits}`}`,
  );
  terminal.note(
    file === undefined
      ? 'It is shown this once. Keep it where secrets are kept; muster login --token-file FILE signs in with it.'
      : `It is in ${outputFile}, readable by you alone, and nowhere else.`,
  );
}

function checkResource(text: string): void {
  if (/^(team|endpoint)\/[^/]+$/.test(text)) return;
  throw new UsageError(`\`${text}\` is no resource`, 'Write endpoint/NAME or team/NAME.', '--resource');
}

/** A new file, mode 0600, that is removed again unless something is kept in it. Throws `UsageError` where it cannot be made. */
function createPrivateFile(folder: string, name: string): Disposable & { keep(text: string): void } {
  const path = resolve(folder, name);
  let descriptor: number;
  try {
    descriptor = openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(
      code === 'EEXIST' ? `${name} exists` : `${name} cannot be written (${code})`,
      'Name a file that does not exist yet, in a folder that you may write to.',
      '--output-file',
    );
  }
  let isKept = false;
  return {
    keep(text) {
      writeSync(descriptor, text);
      isKept = true;
    },
    [Symbol.dispose]() {
      closeSync(descriptor);
      if (!isKept) rmSync(path, { force: true });
    },
  };
}
