import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type ModelReference, readModelReference, requireModelReference } from '../handover/model-reference.ts';
import { UsageError } from '../usage-error.ts';

/** What is checked: a file or folder on this machine, a version that is registered, or an endpoint. */
export type CheckSubject =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'version'; readonly reference: ModelReference }
  | { readonly kind: 'endpoint'; readonly name: string };

/**
 * A path with a suffix or a separator is a file, what has a `:` or `@` a version, anything else an endpoint; `./model` is the
 * folder where `model` is the endpoint. Throws `UsageError` for a path that is not there.
 */
export function readCheckSubject(text: string): CheckSubject {
  const reference = readModelReference(text);
  if (reference !== undefined && text.startsWith('models:/')) return { kind: 'version', reference };
  const isPath = /[/\\]/.test(text) || extname(text) !== '';
  if (isPath && existsSync(text)) return { kind: 'file', path: text };
  if (/[:@]/.test(text)) return { kind: 'version', reference: requireModelReference(text, text) };
  if (!isPath) return { kind: 'endpoint', name: text };
  throw new UsageError(
    `there is no file ${text}`,
    'Check the path, or name a version (fraud:3) or an endpoint (fraud).',
    text,
  );
}
