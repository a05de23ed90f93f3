import { existsSync } from 'node:fs';
import type { Client } from '@muster-ml/client';
import type { Endpoint, Runtime } from '@muster-ml/protocol';
import { deriveName, toSlug } from '../handover/derive-name.ts';
import { findExample } from '../handover/example.ts';
import { followOperation } from '../handover/follow-operation.ts';
import { type MlflowSource, fetchMlflowModel, followAlias, readMlflowSource } from '../handover/mlflow-model.ts';
import {
  type ModelReference,
  readModelReference,
  referenceText,
  requireModelReference,
} from '../handover/model-reference.ts';
import { orMissing } from '../handover/or-missing.ts';
import { type FileToRegister, registerFile } from '../handover/register-file.ts';
import { runtimeOf } from '../handover/resolve-version.ts';
import {
  type ServingFlags,
  keptSettingsText,
  needRuntime,
  readServingFlags,
  servingSettings,
} from '../handover/serving-flags.ts';
import { calledAs, withWhatToAdd } from '../handover/what-to-add.ts';
import type { Invocation } from '../invocation.ts';
import { deploymentOf, readyText } from '../output/endpoint-text.ts';
import { showDeployed } from '../output/show-deployed.ts';
import { readShare } from '../units/share.ts';
import { UsageError } from '../usage-error.ts';

export interface DeployFlags extends ServingFlags {
  readonly name?: string;
  readonly model?: string;
  readonly team?: string;
  readonly useCase?: string;
  readonly canary?: string;
  readonly shadow?: string | true;
  readonly sample?: string;
  readonly signature?: string;
  readonly requirements?: string;
  readonly python?: string;
  readonly force?: string;
  readonly example?: boolean;
  readonly mlflow?: string;
  readonly follow?: boolean;
}

interface Traffic {
  readonly role: 'live' | 'canary' | 'shadow';
  readonly sharePercent?: number;
}

/** Hands over a file or a registered version and waits until its endpoint answers. */
export async function deploy(invocation: Invocation, what: string | undefined, given: DeployFlags): Promise<void> {
  const { terminal } = invocation;
  const { source, flags } = sourceOf(what, given);
  // All that can be wrong with the command line is found before the first request.
  const traffic = trafficOf(flags);
  const wish = readServingFlags(flags);
  const mlflow = readMlflowSource(source, flags);
  const reference = mlflow === undefined ? readReference(source, flags) : undefined;
  const name = nameOf(invocation, mlflow?.name ?? source, reference, flags);
  if (flags.force !== undefined && flags.force !== name)
    throw new UsageError(
      `--force names ${flags.force}, the endpoint is ${name}`,
      `Write --force ${name} to deploy although callers may break.`,
      '--force',
    );

  const client = await invocation.client();
  const existing = await orMissing(client.call('endpointGet', { params: { endpoint: name } }));
  const live = existing === undefined ? undefined : deploymentOf(existing, 'live');
  const { runtime, ...version } =
    reference === undefined
      ? await register(invocation, client, mlflow ?? source, flags, live?.model ?? name, existing?.team)
      : { ...reference, runtime: needRuntime(wish, live?.settings) ? await runtimeOf(client, reference) : 'onnx' };
  if (live !== undefined && keptSettingsText(live.settings) !== '')
    terminal.note(`  keeping ${keptSettingsText(live.settings)}, unless a flag says otherwise`);

  const operation = await client.call('deploy', {
    params: { endpoint: name },
    body: {
      ...version,
      ...traffic,
      settings: servingSettings(wish, live?.settings, runtime),
      ...(flags.team === undefined ? {} : { team: flags.team }),
      ...(flags.useCase === undefined ? {} : { useCase: flags.useCase }),
      ...(flags.force === undefined ? {} : { force: flags.force }),
    },
  });
  let endpoint: Endpoint | undefined;
  const startedAt = performance.now();
  await followOperation(invocation, client, operation, async () => {
    endpoint = await client.call('endpointGet', { params: { endpoint: name } });
    return readyText(endpoint, traffic.role, performance.now() - startedAt);
  });
  if (mlflow?.follow !== undefined) await followAlias(invocation, client, name, version.model, mlflow.follow);
  // Only rows as CSV can be sent to the endpoint as they are.
  const sampleFile = /\.(json|jsonl|ndjson)$/.test(flags.sample ?? '') ? undefined : flags.sample;
  await showDeployed(invocation, client, { name, role: traffic.role, endpoint, sampleFile });
}

function sourceOf(
  what: string | undefined,
  flags: DeployFlags,
): { readonly source: string; readonly flags: DeployFlags } {
  if (flags.example === true) {
    if (what !== undefined)
      throw new UsageError('--example brings its own file', `Leave out ${what}, or --example.`, '--example');
    const example = findExample();
    return { source: example.model, flags: { name: example.name, sample: example.sample, ...flags } };
  }
  if (what === undefined)
    throw new UsageError(
      'nothing to deploy',
      'Name a file or a version: muster deploy model.onnx, or muster deploy fraud:3; or try muster deploy --example.',
    );
  return { source: what, flags };
}

function trafficOf(flags: DeployFlags): Traffic {
  if (flags.canary !== undefined) return { role: 'canary', sharePercent: readShare('--canary', flags.canary) };
  if (flags.shadow !== undefined)
    return { role: 'shadow', sharePercent: flags.shadow === true ? 100 : readShare('--shadow', flags.shadow) };
  return { role: 'live' };
}

/** The version that is meant; undefined where it is a file. */
function readReference(source: string, flags: DeployFlags): ModelReference | undefined {
  if (existsSync(source)) return undefined;
  const reference = readModelReference(source);
  if (reference === undefined) {
    if (/[/\\.]/.test(source))
      throw new UsageError(
        `there is no file ${source}`,
        'Check the path, or name a version: fraud:3 or fraud@champion.',
        source,
      );
    return requireModelReference(source, source);
  }
  const foreign = (['sample', 'signature', 'requirements', 'python', 'model'] as const).find(
    (flag) => flags[flag] !== undefined,
  );
  if (foreign !== undefined)
    throw new UsageError(
      `--${foreign} belongs to a file, and ${referenceText(reference)} is registered already`,
      'Leave it out.',
      `--${foreign}`,
    );
  return reference;
}

function nameOf(
  { terminal, surroundings }: Invocation,
  source: string,
  reference: ModelReference | undefined,
  flags: DeployFlags,
): string {
  if (flags.name !== undefined) {
    const slug = toSlug(flags.name);
    if (slug === flags.name) return slug;
    throw new UsageError(
      `\`${flags.name}\` may hold a-z, 0-9 and single hyphens, and begins with a letter`,
      `Write \`${slug ?? 'fraud'}\`.`,
      '--name',
    );
  }
  const name = reference === undefined ? deriveName(source, surroundings.workingDirectory) : toSlug(reference.model);
  if (name === undefined) throw new UsageError(`no name can be made of ${source}`, 'Give one with --name.', '--name');
  terminal.note(`  endpoint ${name}, after the ${reference === undefined ? 'file' : 'model'}; --name chooses another`);
  return name;
}

async function register(
  invocation: Invocation,
  client: Client,
  given: string | MlflowSource,
  flags: DeployFlags,
  model: string,
  team: string | undefined,
): Promise<{ readonly model: string; readonly version: number; readonly runtime: Runtime }> {
  const text = typeof given === 'string' ? given : given.text;
  await using copied =
    typeof given === 'string' ? undefined : await fetchMlflowModel(invocation, given.server, given.uri);
  const source: FileToRegister = {
    path: copied?.folder ?? text,
    model: flags.model ?? model,
    team: flags.team ?? team,
    samplePath: flags.sample,
    signaturePath: flags.signature,
    requirements: flags.requirements,
    python: flags.python,
    lineage: copied?.lineage,
  };
  const { version } = await registerFile(invocation, client, source).catch((error: unknown) => {
    throw withWhatToAdd(error, calledAs(invocation, ['deploy', text], { ...flags }));
  });
  return { model: version.model, version: version.number, runtime: version.runtime };
}
