import { readFileSync } from 'node:fs';

/** Muster's version, from the package that this file belongs to. */
export function softwareVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}
