import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeConfiguration } from '../packages/server/src/config/index.ts';

/** Where the generated page is; a test compares it with the schema. */
export const configurationReference = fileURLToPath(new URL('../docs/reference/configuration.md', import.meta.url));

/** Writes `docs/reference/configuration.md` from the schema of the settings. */
export function generateConfigurationReference(): void {
  writeFileSync(configurationReference, describeConfiguration());
}

if (import.meta.main) generateConfigurationReference();
