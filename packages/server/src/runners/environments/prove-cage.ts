import { mkdir, rm } from 'node:fs/promises';
import { MusterError } from '@muster-ml/protocol';
import { runProgram } from '../../platform/processes/index.ts';
import type { Logger } from '../../platform/telemetry/index.ts';
import { type BuildCageOptions, createBuildCage } from './build-cage.ts';
import { makeUnfinished, workFolderOf } from './environment-folder.ts';
import type { Interpreter } from './interpreters.ts';
import { type ConfineBuild, plainBuild } from './run-uv.ts';
import type { Uv } from './uv-program.ts';

export interface CageProof {
  /** What the host knows of cages; absent: builds run as we do. */
  readonly cage: Omit<BuildCageOptions, 'environment' | 'python'> | undefined;
  readonly interpreters: readonly Interpreter[];
  readonly uv: Uv;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly allowSourceBuilds: boolean;
  readonly log: Logger;
}

const trialMs = 30_000;

/**
 * The cage of builds, once uv has answered in it: an interpreter may lack a part of its standard library, a kernel a call.
 * Where it does not work, wheels are installed without one, which runs no code of theirs, and packages that would be built
 * from source are refused: throws `environment_failed`.
 */
export async function proveCage(proof: CageProof): Promise<ConfineBuild> {
  const { cage, interpreters, environment, log } = proof;
  if (cage === undefined) return plainBuild;
  let reason = '';
  for (const python of interpreters) {
    const confine = createBuildCage({ ...cage, environment, python });
    if (confine === plainBuild) return confine; // a level that confines no build
    const failure = await tryCage(confine, proof);
    if (failure === null) return confine;
    reason = failure;
  }
  if (proof.allowSourceBuilds) {
    throw new MusterError('environment_failed', `builds cannot be caged here: ${reason}`, {
      place: 'python.allowSourceBuilds',
      remedy: 'Unset python.allowSourceBuilds, or set runners.isolation to none if you trust all packages.',
    });
  }
  log.warn({ reason }, 'packages are installed without a cage: it does not work here');
  return plainBuild;
}

/** Null where it works. */
async function tryCage(confine: ConfineBuild, { uv, folder, environment }: CageProof): Promise<string | null> {
  await mkdir(workFolderOf(folder), { recursive: true, mode: 0o755 });
  const workingDirectory = await makeUnfinished(folder);
  const reach = { folder: workFolderOf(folder), readable: [uv.command], hosts: [] };
  const line = { command: uv.command, arguments: ['--version'] };
  const confined = await confine(line, reach, workingDirectory);
  try {
    const end = await runProgram({
      ...confined.line,
      environment,
      workingDirectory,
      timeoutMs: trialMs,
      maxOutputBytes: 4096,
    });
    if (end.outcome === 'done') return null;
    return `${end.detail} ${end.errorTail.trim().split('\n').at(-1) ?? ''}`.trim();
  } finally {
    await confined.close();
    await rm(workingDirectory, { recursive: true, force: true });
  }
}
