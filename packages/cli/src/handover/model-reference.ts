import { UsageError } from '../usage-error.ts';

/** A version that is registered already: by number or by alias. */
export type ModelReference =
  | { readonly model: string; readonly version: number }
  | { readonly model: string; readonly alias: string };

const pattern = /^(?:models:\/)?([^/:@]+)(?:[:/](\d+)|@([A-Za-z_][\w-]*))$/;

/** Reads `fraud:3`, `fraud@champion`, and MLflow's `models:/fraud/3` and `models:/fraud@champion`; undefined for all else. */
export function readModelReference(text: string): ModelReference | undefined {
  if (text.includes('/') && !text.startsWith('models:/')) return undefined;
  const [, model, version, alias] = pattern.exec(text) ?? [];
  if (model === undefined) return undefined;
  if (version !== undefined) return { model, version: Number(version) };
  return alias === undefined ? undefined : { model, alias };
}

/** As `readModelReference`. Throws `UsageError` for all else. */
export function requireModelReference(text: string, place: string): ModelReference {
  const reference = readModelReference(text);
  if (reference !== undefined) return reference;
  throw new UsageError(
    `\`${text}\` names no version`,
    `Write \`${text.replace(/[:@/].*$/, '') || 'fraud'}:1\`, or an alias: \`fraud@champion\`.`,
    place,
  );
}

export function referenceText(reference: ModelReference): string {
  return 'version' in reference ? `${reference.model}:${reference.version}` : `${reference.model}@${reference.alias}`;
}
