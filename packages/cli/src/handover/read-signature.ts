import { signatureHintsSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';
import { readText } from './read-sample.ts';

/** Names of features and labels as the owner gives them. */
export type SignatureHints = ReturnType<typeof signatureHintsSchema.parse>;

const maxBytes = 32 * 2 ** 20;

/** Reads `--signature`. Throws `UsageError`. */
export function readSignature(path: string): SignatureHints {
  let content: unknown;
  try {
    content = JSON.parse(readText(path, maxBytes));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `${path} is not valid JSON: ${(error as Error).message}`,
      'Write {"features": ["age", "income"], "labels": ["no", "yes"]}.',
      '--signature',
    );
  }
  const checked = signatureHintsSchema.safeParse(content);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new UsageError(
    `${path} does not fit at ${issue?.path.join('.') || 'the top'}: ${issue?.message ?? ''}`,
    'Write {"features": ["age", "income"], "labels": ["no", "yes"]}; both are optional.',
    '--signature',
  );
}
