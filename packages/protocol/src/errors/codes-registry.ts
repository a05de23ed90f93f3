import { codes } from './kind.ts';

/** Codes of models, versions, aliases, uploads and the inspection of files. */
export const registryCodes = codes({
  model_not_found: {
    kind: 'not_found',
    title: 'There is no such model',
    remedy: 'Check the name; muster model list shows those that exist.',
  },
  model_exists: {
    kind: 'conflict',
    title: 'The name is taken',
    remedy: 'Choose another name, or add a version to the model that has it.',
  },
  version_not_found: {
    kind: 'not_found',
    title: 'The model has no such version',
    remedy: 'muster model show lists its versions.',
  },
  alias_not_found: {
    kind: 'not_found',
    title: 'The model has no such alias',
    remedy: 'muster model show lists its aliases.',
  },
  upload_not_found: {
    kind: 'not_found',
    title: 'There is no such upload',
    remedy: 'Start a new one; unfinished uploads are kept for 24 hours.',
  },
  upload_incomplete: {
    kind: 'failed_precondition',
    title: 'Parts of the upload are missing',
    remedy: 'Send the parts that are named and complete it again.',
  },
  digest_mismatch: {
    kind: 'invalid',
    title: 'The content is not what was announced',
    remedy: 'Send the file again; its SHA-256 or size differs from the one declared.',
  },
  model_too_large: {
    kind: 'too_large',
    title: 'The file is larger than allowed',
    remedy: 'Raise limits.maxModelBytes, or hand over a smaller file.',
  },
  object_not_found: { kind: 'not_found', title: 'There is no such content', remedy: 'Upload the file first.' },
  object_corrupt: {
    kind: 'internal',
    title: 'Stored content is damaged',
    remedy: 'Restore it from a backup; its SHA-256 no longer fits.',
  },
  invalid_model_file: {
    kind: 'invalid',
    title: 'The file is not a model that can be read',
    remedy: 'Export it again, as a whole; muster inspect says what a file is taken for.',
  },
  unsupported_model: {
    kind: 'invalid',
    title: 'The model cannot be served',
    remedy: 'See the detail for what it uses and how to export it differently.',
  },
  inspection_failed: {
    kind: 'invalid',
    title: 'The file could not be inspected',
    remedy: 'The inspection crashed or took too long; the file is damaged or hostile.',
  },
  invalid_signature: {
    kind: 'invalid',
    title: 'The signature does not fit the file',
    remedy: 'Give names and types that match the inputs of the file.',
  },
  sample_needed: {
    kind: 'invalid',
    title: 'The model does not tell what it takes',
    remedy: 'Hand it over with a few rows: --sample rows.csv.',
  },
  requirements_needed: {
    kind: 'invalid',
    title: 'The file does not tell what the model needs',
    remedy: 'Name its packages: --requirements requirements.txt.',
  },
  invalid_sample: {
    kind: 'invalid',
    title: 'The sample does not fit the model',
    remedy: 'Give a CSV whose columns are the features of the model.',
  },
});
