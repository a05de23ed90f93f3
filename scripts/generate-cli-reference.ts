import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeCommands } from '../packages/cli/src/describe-commands.ts';

/** Where the generated page is; a test compares it with the grammar. */
export const cliReference = fileURLToPath(new URL('../docs/reference/cli.md', import.meta.url));

/** Writes `docs/reference/cli.md` from the grammar of the command line. */
export function generateCliReference(): void {
  writeFileSync(cliReference, describeCommands());
}

if (import.meta.main) generateCliReference();
