import type { Client } from '@muster-ml/client';
import { type Lineage, MusterError, type Version } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { signatureText } from '../output/signature-text.ts';
import { followOperation } from './follow-operation.ts';
import { lookBefore } from './look-before.ts';
import type { ModelFile } from './model-file.ts';
import { openModel } from './open-model.ts';
import { orMissing } from './or-missing.ts';
import { readPythonVersion, readRequirements } from './read-requirements.ts';
import { type GivenSample, readSample } from './read-sample.ts';
import { type SignatureHints, readSignature } from './read-signature.ts';
import { uploadFile } from './upload-file.ts';

/** What is handed over: the file and what its owner says about it. */
export interface FileToRegister {
  readonly path: string;
  readonly model: string;
  /** Owner of the model if it is made now. */
  readonly team?: string | undefined;
  readonly samplePath?: string | undefined;
  readonly signaturePath?: string | undefined;
  /** A requirements.txt, or a list with commas. */
  readonly requirements?: string | undefined;
  /** Minor version of Python, such as `3.11`. */
  readonly python?: string | undefined;
  /** Where it was copied from. */
  readonly lineage?: Lineage | undefined;
  readonly description?: string | undefined;
}

/** What the owner says about the file, read and checked. */
interface Said {
  readonly signature: SignatureHints | undefined;
  readonly sample: GivenSample | undefined;
  readonly requirements: readonly string[] | undefined;
  readonly pythonVersion: string | undefined;
}

/**
 * Makes the file a version of the model, which is made if it does not exist. A file that is the model's latest version
 * already is not registered again, unless the names or the sample that come with it are new.
 */
export async function registerFile(
  invocation: Invocation,
  client: Client,
  source: FileToRegister,
): Promise<{ readonly version: Version; readonly isReused: boolean }> {
  const { terminal } = invocation;
  const said = readSaid(invocation, source);
  await lookBefore(invocation, source.path, {
    hasSample: said.sample !== undefined,
    hasRequirements: said.requirements !== undefined,
  });
  await using file = await openModel(invocation, source.path);

  const model = await orMissing(client.call('modelGet', { params: { model: source.model } }));
  if (model === undefined) {
    await client.call('modelCreate', {
      body: { name: source.model, ...(source.team === undefined ? {} : { team: source.team }) },
    });
  } else if (model.latestVersion !== null) {
    const latest = await client.call('versionGet', { params: { model: source.model, version: model.latestVersion } });
    if (isSame(latest, file, said)) {
      terminal.note(
        `${terminal.paintNotes.green(terminal.symbols.done)} ${file.path} is ${source.model}:${latest.number} already`,
      );
      return { version: latest, isReused: true };
    }
  }

  await uploadFile(invocation, client, file);
  const operation = await client.call('versionRegister', {
    params: { model: source.model },
    body: {
      digest: file.sha256,
      ...(said.signature === undefined ? {} : { signature: said.signature }),
      ...said.sample,
      ...pythonPart(said),
      ...(source.lineage === undefined ? {} : { lineage: source.lineage }),
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

/** Reads what the flags name, before anything is sent. */
function readSaid({ surroundings }: Invocation, source: FileToRegister): Said {
  const given = <T>(text: string | undefined, read: (text: string) => T): T | undefined =>
    text === undefined ? undefined : read(text);
  return {
    signature: given(source.signaturePath, readSignature),
    sample: given(source.samplePath, readSample),
    requirements: given(source.requirements, (text) => readRequirements(text, surroundings.workingDirectory)),
    pythonVersion: given(source.python, readPythonVersion),
  };
}

function pythonPart({ requirements, pythonVersion }: Said): {
  readonly python?: { readonly version?: string; readonly requirements?: string[] };
} {
  if (requirements === undefined && pythonVersion === undefined) return {};
  return {
    python: {
      ...(pythonVersion === undefined ? {} : { version: pythonVersion }),
      ...(requirements === undefined ? {} : { requirements: [...requirements] }),
    },
  };
}

/** Whether the version already is what would be registered. What is said anew makes another one. */
function isSame(latest: Version, file: ModelFile, { signature, sample, requirements, pythonVersion }: Said): boolean {
  if (latest.digest !== file.sha256) return false;
  if (sample !== undefined && latest.sampleDigest === null) return false;
  if (!hasEnvironment(latest, requirements, pythonVersion)) return false;
  const says = (hint: readonly string[] | undefined, known: readonly string[] | undefined): boolean =>
    hint === undefined || JSON.stringify(hint) === JSON.stringify(known);
  return says(signature?.features, latest.signature.features) && says(signature?.labels, latest.signature.labels);
}

/** Exact versions that are wished for must be those that it has; open ones were chosen by the server and may stay. */
function hasEnvironment(
  { facts }: Version,
  requirements: readonly string[] | undefined,
  pythonVersion: string | undefined,
): boolean {
  if (facts.format === 'onnx') return true;
  const { environment } = facts;
  if (pythonVersion !== undefined && environment.python !== pythonVersion) return false;
  const known = new Set(environment.requirements.map(normalised));
  return (requirements ?? []).every((line) =>
    /^[\w.[\],-]+\s*==/.test(line)
      ? known.has(normalised(line))
      : [...known].some((one) => one.split('==')[0] === nameIn(line)),
  );
}

function normalised(requirement: string): string {
  const [, version = ''] = requirement.split('==');
  return `${nameIn(requirement)}==${version.split(';')[0]?.trim() ?? ''}`;
}

/** The name of a package in the one form of its many spellings. */
function nameIn(requirement: string): string {
  const name = /^[A-Za-z0-9][\w.-]*/.exec(requirement)?.[0] ?? '';
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

function numberIn(result: Readonly<Record<string, unknown>> | null): number {
  const version = result?.['version'];
  if (typeof version === 'object' && version !== null && 'number' in version && typeof version.number === 'number')
    return version.number;
  throw new MusterError('internal_error', 'the result of the registration names no version');
}
