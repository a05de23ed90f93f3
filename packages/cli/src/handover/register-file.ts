import { readFileSync } from 'node:fs';
import type { Client } from '@muster-ml/client';
import { MusterError, type Version, signatureHintsSchema } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { signatureText } from '../output/signature-text.ts';
import { sizeText } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';
import { followOperation } from './follow-operation.ts';
import { type ModelFile, openModelFile } from './model-file.ts';
import { orMissing } from './or-missing.ts';
import { uploadFile } from './upload-file.ts';

/** What is handed over: the file and what its owner says about it. */
export interface FileToRegister {
  readonly path: string;
  readonly model: string;
  /** Owner of the model if it is made now. */
  readonly team?: string | undefined;
  readonly samplePath?: string | undefined;
  readonly signaturePath?: string | undefined;
  readonly description?: string | undefined;
}

type SignatureHints = ReturnType<typeof signatureHintsSchema.parse>;

const maxSampleChars = 1_000_000;

/**
 * Makes the file a version of the model, which is made if it does not exist. A file that is the model's latest version
 * already is not registered again, unless the names or the sample that come with it are new.
 */
export async function registerFile(
  invocation: Invocation,
  client: Client,
  source: FileToRegister,
): Promise<{ readonly version: Version; readonly isReused: boolean }> {
  const { terminal, surroundings } = invocation;
  const signature = source.signaturePath === undefined ? undefined : readSignature(source.signaturePath);
  const sampleCsv = source.samplePath === undefined ? undefined : readSample(source.samplePath);
  const reading = beginStep(terminal, `reading ${source.path}`);
  await using file = await openModelFile(
    source.path,
    (readBytes, sizeBytes) =>
      reading.update(`reading ${source.path}  ${sizeText(readBytes)} of ${sizeText(sizeBytes)}`),
    surroundings.interruption,
  ).finally(() => reading.drop());

  const model = await orMissing(client.call('modelGet', { params: { model: source.model } }));
  if (model === undefined) {
    await client.call('modelCreate', {
      body: { name: source.model, ...(source.team === undefined ? {} : { team: source.team }) },
    });
  } else if (model.latestVersion !== null) {
    const latest = await client.call('versionGet', { params: { model: source.model, version: model.latestVersion } });
    if (isSame(latest, file, signature, sampleCsv)) {
      terminal.note(
        `${terminal.paintNotes.green(terminal.symbols.done)} ${source.path} is ${source.model}:${latest.number} already`,
      );
      return { version: latest, isReused: true };
    }
  }

  await uploadFile(invocation, client, file);
  const operation = await client.call('versionRegister', {
    params: { model: source.model },
    body: {
      digest: file.sha256,
      ...(signature === undefined ? {} : { signature }),
      ...(sampleCsv === undefined ? {} : { sampleCsv }),
      ...(source.description === undefined ? {} : { description: source.description }),
    },
  });
  let version: Version | undefined;
  await followOperation(invocation, client, operation, async ({ result }) => {
    version = await client.call('versionGet', { params: { model: source.model, version: numberIn(result) } });
    return `registered ${source.model}:${version.number}  ${signatureText(version.signature)}`;
  });
  if (version === undefined)
    throw new MusterError('internal_error', `operation ${operation.id} ended without a version`);
  for (const adaptation of version.facts.adaptations) terminal.note(`  ${terminal.symbols.dot} ${adaptation}`);
  return { version, isReused: false };
}

function isSame(
  latest: Version,
  file: ModelFile,
  signature: SignatureHints | undefined,
  sampleCsv: string | undefined,
): boolean {
  if (latest.digest !== file.sha256) return false;
  if (sampleCsv !== undefined && latest.sampleDigest === null) return false;
  const says = (hint: readonly string[] | undefined, known: readonly string[] | undefined): boolean =>
    hint === undefined || JSON.stringify(hint) === JSON.stringify(known);
  return says(signature?.features, latest.signature.features) && says(signature?.labels, latest.signature.labels);
}

function numberIn(result: Readonly<Record<string, unknown>> | null): number {
  const version = result?.['version'];
  if (typeof version === 'object' && version !== null && 'number' in version && typeof version.number === 'number')
    return version.number;
  throw new MusterError('internal_error', 'the result of the registration names no version');
}

function readSample(path: string): string {
  const text = readText(path);
  if (text.length <= maxSampleChars) return text;
  throw new UsageError(
    `${path} is too large for a sample`,
    `Give a few rows: head -21 ${path} > sample.csv`,
    '--sample',
  );
}

function readSignature(path: string): SignatureHints {
  let content: unknown;
  try {
    content = JSON.parse(readText(path));
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

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new UsageError(
      code === 'ENOENT' ? `there is no file ${path}` : `${path} cannot be read (${code})`,
      'Check the path.',
      path,
    );
  }
}
