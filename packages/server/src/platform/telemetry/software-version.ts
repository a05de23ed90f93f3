import { readFileSync } from 'node:fs';

/** Version of Muster, as its package says. */
export function softwareVersion(): string {
  return (
    JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  ).version;
}
