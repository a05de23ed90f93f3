import { join } from 'node:path';
import { type EnvironmentSpec, MusterError, environmentSpecSchema, toMusterError } from '@muster-ml/protocol';
import type { Clock } from '../../platform/clock/index.ts';
import { makePrivateFolder } from '../../platform/processes/index.ts';
import type { Logger } from '../../platform/telemetry/index.ts';
import type { EnvironmentHost } from '../runtime-host.ts';
import {
  type BuildSettings,
  type BuildTurn,
  type Builder,
  buildEnvironment,
  resolvePins,
} from './build-environment.ts';
import { removeLeftovers } from './cache-growth.ts';
import {
  cacheFolderOf,
  digestOf,
  lastUsedMs,
  listEnvironments,
  readMarker,
  readWhole,
  removeEnvironment,
  removeUnfinished,
  touch,
  workFolderOf,
} from './environment-folder.ts';
import { forgetPackages } from './forget-packages.ts';
import { type Interpreter, chooseInterpreter, findInterpreters, minorsOf, withoutNested } from './interpreters.ts';
import { type CageProof, proveCage } from './prove-cage.ts';
import { readPins, readRequirements } from './requirement.ts';
import { createSharedWork } from './shared-work.ts';
import { findUv } from './uv-program.ts';

/** The `python` settings that environments are made by. */
export interface PythonSettings extends BuildSettings {
  readonly interpreters: readonly string[];
  readonly default?: string | undefined;
  readonly uv?: string | undefined;
  readonly keepUnusedMs: number;
}

export interface PythonEnvironmentsOptions {
  /** Where they are kept, with uv's cache; ours alone. */
  readonly folder: string;
  /** Where uv is installed if there is none. */
  readonly toolsFolder: string;
  readonly settings: PythonSettings;
  /** The environment of tools, whole: the way to the package indexes, and credentials for them. */
  readonly environment: Readonly<Record<string, string>>;
  /** How runners are caged here, which builds are too; absent: they run as we do. */
  readonly cage?: CageProof['cage'];
  readonly clock: Clock;
  readonly log: Logger;
}

/** An environment that is there. */
export interface MadeEnvironment {
  readonly digest: string;
  /** The interpreter to start programs with. */
  readonly python: string;
  readonly folder: string;
  /** What a cage must show, read-only: the environment and the interpreter that it is based on. */
  readonly readable: readonly string[];
  readonly sizeBytes: number;
}

/** Environments of this machine. */
export interface PythonEnvironments extends EnvironmentHost {
  /**
   * The environment of a spec, made now where it is missing or not whole any more. Throws as `makeEnvironment` does. It
   * stays for ten minutes at least; `hold` keeps it for longer.
   */
  ensure(spec: EnvironmentSpec, onProgress?: (text: string) => void, signal?: AbortSignal): Promise<MadeEnvironment>;
  /** The environment of a program of ours, in the default Python; null where it cannot be had within a minute, which is logged. */
  ensureTool(tool: keyof typeof tools, signal?: AbortSignal): Promise<MadeEnvironment | null>;
  /** Keeps an environment from the clean-up until the answer is called, once: while something runs in it. */
  hold(digest: string): () => void;
  /** The Pythons that are here, preferred ones first; found once. */
  interpreters(): Promise<readonly Interpreter[]>;
  /** Ends what is being made; resolves when it has ended. */
  stop(): Promise<void>;
}

/** What programs of ours need that is not in the standard library. */
const tools = { look: ['picklescan==1.0.5'] } as const;

/** Who looks at a file waits no longer for a tool, and does not ask for one again right after it could not be had. */
const toolMs = 60_000;
const toolPauseMs = 600_000;

/** Each takes a core and the network. */
const parallelBuilds = 2;
/** Between `ensure` and `hold` nothing may be removed. */
const leastKeptMs = 600_000;

/** Makes the environments of Python models with uv. Nothing is started, read or written before the first call. */
export function createPythonEnvironments(options: PythonEnvironmentsOptions): PythonEnvironments {
  const { folder, settings, environment, clock, log } = options;
  const resolutions = createSharedWork<EnvironmentSpec>(parallelBuilds);
  const builds = createSharedWork<MadeEnvironment>(parallelBuilds);
  const made = new Map<string, { readonly environment: MadeEnvironment; usedMs: number }>();
  const holds = new Map<string, number>();
  const toolFailedMs = new Map<string, number>();
  /** What is being removed: who needs it waits, and makes it again. */
  const removing = new Map<string, Promise<void>>();
  const stopping = new AbortController();

  const interpreters = once(async () => await findInterpreters({ configured: settings.interpreters, environment }));
  const prepared = once(async () => {
    // Runners of a root server are other users: they pass through to what they run in. Nobody lists it.
    makePrivateFolder(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    makePrivateFolder(workFolderOf(folder));
    await removeUnfinished(folder);
    await removeLeftovers(cacheFolderOf(folder));
  });
  const builder = once(async (onProgress: (text: string) => void): Promise<Builder> => {
    const found = await interpreters();
    const uv = await findUv({
      configured: settings.uv,
      sources: settings,
      environment,
      toolsFolder: options.toolsFolder,
      interpreters: found,
      onProgress,
      signal: stopping.signal,
    });
    log.info({ uv: uv.version, pythons: found.map(({ version }) => version) }, 'environments can be made');
    const { cage } = options;
    const { allowSourceBuilds } = settings;
    const confine = await proveCage({ cage, interpreters: found, uv, folder, environment, allowSourceBuilds, log });
    return { uv, settings, folder, environment, confine, clock };
  });

  const turnFor = async (
    python: string | undefined,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<BuildTurn> => {
    const found = await interpreters();
    const interpreter = chooseInterpreter(found, python, settings.default);
    return {
      interpreter,
      otherPythons: minorsOf(found).filter((minor) => minor !== interpreter.minor),
      untilMs: clock.now() + settings.environmentMs,
      onProgress,
      signal,
    };
  };

  const remember = (environmentMade: MadeEnvironment): MadeEnvironment => {
    made.set(environmentMade.digest, { environment: environmentMade, usedMs: clock.now() });
    return environmentMade;
  };

  const ensure: PythonEnvironments['ensure'] = async (spec, onProgress = () => {}, signal) => {
    await prepared();
    readPins(spec.requirements);
    const interpreter = chooseInterpreter(await interpreters(), spec.python, undefined);
    const digest = digestOf(spec, interpreter);
    const at = join(folder, digest);
    await removing.get(digest);
    const known = made.get(digest);
    if (known !== undefined) {
      known.usedMs = clock.now();
      if ((await lastUsedMs(at)) > 0) {
        await touch(at, known.usedMs);
        return known.environment;
      }
    }
    return await builds.do(
      digest,
      async (tell, ended) => {
        const about = {
          digest,
          python: join(at, 'bin/python'),
          folder: at,
          readable: withoutNested([at, ...interpreter.readable]),
        };
        const found = await readWhole(at);
        if (found !== null) {
          await touch(at, clock.now());
          return remember({ ...about, sizeBytes: found.sizeBytes });
        }
        const beganMs = clock.now();
        const marker = await buildEnvironment(await builder(tell), spec, at, await turnFor(spec.python, tell, ended));
        const { sizeBytes } = marker;
        log.info({ digest, sizeBytes, tookMs: clock.now() - beganMs }, 'an environment was made');
        return remember({ ...about, sizeBytes });
      },
      onProgress,
      signal,
    );
  };

  const makeEnvironment: EnvironmentHost['makeEnvironment'] = async (wish, onProgress, signal) => {
    await prepared();
    const requirements = readRequirements(wish.requirements);
    const found = await interpreters();
    const { minor } = chooseInterpreter(found, wish.python, settings.default);
    const resolve = async (python: string): Promise<EnvironmentSpec> =>
      await resolutions.do(
        JSON.stringify([python, requirements.map(({ text }) => text)]),
        async (tell, ended) => await resolvePins(await builder(tell), requirements, await turnFor(python, tell, ended)),
        onProgress,
        signal,
      );
    const others =
      wish.python === undefined
        ? minorsOf(found)
            .toReversed()
            .filter((other) => other !== minor)
        : [];
    const spec = await resolve(minor).catch(async (error: unknown) => await resolveElsewhere(error, others));
    await ensure(spec, onProgress, signal);
    return environmentSpecSchema.parse(spec);

    /** Nobody has named a Python: older versions of libraries have wheels for older ones only. Newest first. */
    async function resolveElsewhere(reason: unknown, pythons: readonly string[]): Promise<EnvironmentSpec> {
      if (!(reason instanceof MusterError && reason.code === 'environment_unresolvable')) throw reason;
      for (const python of pythons) {
        onProgress(`trying Python ${python}`);
        const elsewhere = await resolve(python).catch((second: unknown) => {
          if (second instanceof MusterError && second.code === 'environment_unresolvable') return undefined;
          throw second;
        });
        if (elsewhere !== undefined) return elsewhere;
      }
      throw reason;
    }
  };

  /** Exact versions, so that it is found again without asking an index. */
  const toolSpec = (tool: keyof typeof tools, found: readonly Interpreter[]): EnvironmentSpec => {
    const { minor } = chooseInterpreter(found, undefined, settings.default);
    return { python: minor, requirements: [...tools[tool]] };
  };

  /** Removes an environment that is not in use; false where it stays. */
  const removeUnused = async (digest: string): Promise<boolean> => {
    const usedMs = await lastUsedMs(join(folder, digest));
    const nowMs = clock.now();
    if (nowMs - usedMs < settings.keepUnusedMs || nowMs - (made.get(digest)?.usedMs ?? 0) < leastKeptMs) return false;
    if ((holds.get(digest) ?? 0) > 0 || builds.isUnderWay(digest)) return false;
    made.delete(digest);
    const removal = removeEnvironment(folder, digest).finally(() => removing.delete(digest));
    removing.set(digest, removal);
    await removal;
    log.info({ digest }, 'an environment that nothing needs was removed');
    return true;
  };

  return {
    ensure,
    makeEnvironment,
    interpreters,
    hold: (digest) => {
      holds.set(digest, (holds.get(digest) ?? 0) + 1);
      return once(() => {
        holds.set(digest, (holds.get(digest) ?? 1) - 1);
        void touch(join(folder, digest), clock.now());
      });
    },
    ensureTool: async (tool, signal) => {
      if (clock.now() - (toolFailedMs.get(tool) ?? -Infinity) < toolPauseMs) return null;
      const limit = AbortSignal.timeout(toolMs);
      try {
        const spec = toolSpec(tool, await interpreters());
        return await ensure(spec, undefined, signal === undefined ? limit : AbortSignal.any([signal, limit]));
      } catch (error) {
        signal?.throwIfAborted();
        toolFailedMs.set(tool, clock.now());
        log.warn({ err: limit.aborted ? limit.reason : toMusterError(error), tool }, 'a tool cannot be had');
        return null;
      }
    },
    keepEnvironments: async (specs) => {
      await prepared();
      const found = await interpreters();
      if (found.length === 0) return;
      const kept = digestsOf([...specs, toolSpec('look', found)], found);
      const removed: string[] = [];
      const left: string[] = [];
      for (const digest of await listEnvironments(folder)) {
        const at = join(folder, digest);
        const packages = [...readPins((await readMarker(at))?.spec.requirements ?? []).keys()];
        const isRemoved = !kept.has(digest) && (await removeUnused(digest));
        (isRemoved ? removed : left).push(...packages);
      }
      const names = [...new Set(removed)].filter((name) => !left.includes(name));
      // Without an index, what is cached may be had from nowhere else.
      if (names.length === 0 || settings.offline) return;
      const { uv } = await builder(() => {});
      await forgetPackages({ names, folder, uv, environment, log });
    },
    stop: async () => {
      stopping.abort();
      await Promise.all([resolutions.stop(), builds.stop()]);
    },
  };
}

/** Digests of specs; one whose Python is gone has none, and nothing could run in it. */
function digestsOf(specs: readonly EnvironmentSpec[], found: readonly Interpreter[]): ReadonlySet<string> {
  return new Set(
    specs.flatMap((spec) => {
      const interpreter = found.find(({ minor }) => minor === spec.python);
      return interpreter === undefined ? [] : [digestOf(spec, interpreter)];
    }),
  );
}

/** The same answer for all calls; one that failed is tried again by the next. */
function once<A extends readonly unknown[], R>(work: (...given: A) => R): (...given: A) => R {
  let answer: { readonly value: R } | undefined;
  return (...given) => {
    if (answer !== undefined) return answer.value;
    const value = work(...given);
    answer = { value };
    if (value instanceof Promise)
      value.catch(() => {
        answer = undefined;
      });
    return value;
  };
}
