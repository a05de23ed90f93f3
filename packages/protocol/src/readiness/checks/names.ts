import type { Facts, VersionFacts } from '../facts.ts';

/** Of the endpoint, for a command; capitals where there is none yet. */
export function endpointName({ endpoint }: Facts): string {
  return endpoint?.name ?? 'ENDPOINT';
}

/** `fraud:3`; the model alone where it is not registered yet. */
export function versionName({ model, number }: VersionFacts): string {
  return number === null ? model : `${model}:${number}`;
}

/** Hands over a new version: what closes the gaps of one, which itself never changes. */
export function newVersionCommand({ endpoint, version }: Facts, flags = '', file = 'FILE'): string {
  if (endpoint !== null) return `muster deploy ${file} --name ${endpoint.name}${flags}`;
  return version === null
    ? `muster deploy ${file} --name ENDPOINT${flags}`
    : `muster model push ${file} --name ${shellWord(version.model)}${flags}`;
}

/** Model names are free text: quoted where a shell would read them differently. */
export function shellWord(text: string): string {
  return /^[\w.:@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
