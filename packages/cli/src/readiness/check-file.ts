import { statSync } from 'node:fs';
import {
  type Check,
  type Facts,
  type Level,
  type ModelFacts,
  type Verdict,
  checks,
  judge,
  verdictDocument,
} from '@muster-ml/protocol';
import { deriveName } from '../handover/derive-name.ts';
import { readPythonVersion, readRequirements } from '../handover/read-requirements.ts';
import { readSample } from '../handover/read-sample.ts';
import { readSignature } from '../handover/read-signature.ts';
import { mayBeOnnx } from '../inspection/first-bytes.ts';
import { inspectOnnx } from '../inspection/inspect-onnx.ts';
import { lookWithScanner } from '../inspection/look-with-scanner.ts';
import type { Look, Missing } from '../inspection/look.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';

/** What comes with a file, as `muster deploy` takes it. */
export interface FileFlags {
  readonly name?: string;
  readonly sample?: string;
  readonly signature?: string;
  readonly requirements?: string;
  readonly python?: string;
}

/** What a file is known to be, before anything of it is on a server. */
export interface CheckedFile {
  readonly verdict: Verdict;
  /** What it lacks to be served at all. */
  readonly missing: readonly Missing[];
}

interface Found {
  readonly facts: ModelFacts;
  readonly hasSignature: boolean;
  readonly missing: readonly Missing[];
  /** Why nobody looked for dangerous instructions; undefined where somebody did. */
  readonly notScanned?: string | undefined;
}

/**
 * Judges a file or folder on this machine by the checks of the server, without running any of it. What only a server knows,
 * such as the owner, is `unknown`. Throws `UsageError` and what is wrong with the file.
 */
export async function checkFile(
  invocation: Invocation,
  path: string,
  flags: FileFlags,
  level: Level,
): Promise<CheckedFile> {
  const { surroundings } = invocation;
  // What is wrong with the flags is told before the file is read.
  if (flags.sample !== undefined) readSample(flags.sample);
  if (flags.signature !== undefined) readSignature(flags.signature);
  if (flags.requirements !== undefined) readRequirements(flags.requirements, surroundings.workingDirectory);
  if (flags.python !== undefined) readPythonVersion(flags.python);
  const found = await lookAtFile(invocation, path);
  const hasSample = flags.sample !== undefined;
  const facts: Facts = {
    ...nothing,
    now: surroundings.now(),
    version: {
      model: flags.name ?? deriveName(path, surroundings.workingDirectory) ?? 'MODEL',
      number: null,
      digest: '',
      facts: found.facts,
      // A sample names what goes in and comes out, too.
      hasSignature: found.hasSignature || hasSample,
      hasSample,
      createdAt: null,
      createdBy: null,
    },
  };
  const given = { requirement: flags.requirements !== undefined, sample: hasSample, code: false, export: false };
  return {
    verdict: verdictDocument(facts, judge(facts, { level, rubric: rubricFor(found) })),
    missing: found.missing.filter(({ kind }) => !given[kind]),
  };
}

/** Of a file alone nothing else is known; no environment asks for less than `dev`. */
const nothing = {
  environment: 'dev',
  endpoint: null,
  owner: null,
  useCase: null,
  deployment: null,
  isFirstVersion: true,
  comparisons: [],
  access: [],
  evidence: [],
  waivers: [],
  review: null,
  subjectDigest: '',
} as const;

async function lookAtFile(invocation: Invocation, path: string): Promise<Found> {
  if (!statSync(path).isDirectory() && mayBeOnnx(path)) return await lookAsOnnx(invocation, path);
  const look = await lookWithScanner(invocation, path);
  if (look.runtime === 'onnx') return await lookAsOnnx(invocation, path);
  const { hasSignature, missing, scanner } = look;
  return {
    facts: pythonFactsOf(look),
    hasSignature,
    missing,
    notScanned: scanner.startsWith('none') ? scanner.slice(6) : undefined,
  };
}

async function lookAsOnnx({ terminal, surroundings }: Invocation, path: string): Promise<Found> {
  const step = beginStep(terminal, `inspecting ${path}`);
  const { facts } = await inspectOnnx(surroundings, path).finally(() => step.drop());
  return { facts, hasSignature: true, missing: [] };
}

function pythonFactsOf(look: Look): ModelFacts {
  return {
    format: look.format ?? 'pickle',
    sizeBytes: 0,
    producer: look.producer,
    modelClass: look.modelClass,
    modules: [...look.modules],
    dangers: [...look.dangers],
    environment: { python: look.pythonVersion ?? '', requirements: [...look.requirements] },
    isTable: false,
    adaptations: [...look.adaptations],
  };
}

/** That nothing was found says nothing where nobody looked. */
function rubricFor({ notScanned, facts }: Found): readonly Check[] {
  if (notScanned === undefined || ('dangers' in facts && facts.dangers.length > 0)) return checks;
  const summary = `nobody looked for dangerous instructions: ${notScanned}`;
  return checks.map((check) =>
    check.id === 'R05' ? { ...check, judge: () => ({ state: 'unknown', summary }) } : check,
  );
}
