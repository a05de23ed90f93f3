import { basename, extname, resolve } from 'node:path';
import { toSlug } from '../handover/derive-name.ts';
import { registerFile } from '../handover/register-file.ts';
import { calledAs, withWhatToAdd } from '../handover/what-to-add.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';

export interface ModelPushFlags {
  readonly name?: string;
  readonly team?: string;
  readonly sample?: string;
  readonly signature?: string;
  readonly requirements?: string;
  readonly python?: string;
  readonly description?: string;
}

/** Registers a file or a folder as the next version of a model, without deploying it. */
export async function modelPush(invocation: Invocation, file: string, flags: ModelPushFlags): Promise<void> {
  const { terminal } = invocation;
  const model = flags.name ?? modelNameOf(invocation, file);
  if (flags.name === undefined) terminal.note(`  model ${model}, after the file; --name chooses another`);
  const client = await invocation.client();
  const { version, isReused } = await registerFile(invocation, client, {
    path: file,
    model,
    team: flags.team,
    samplePath: flags.sample,
    signaturePath: flags.signature,
    requirements: flags.requirements,
    python: flags.python,
    description: flags.description,
  }).catch((error: unknown) => {
    throw withWhatToAdd(error, calledAs(invocation, ['model', 'push', file], { ...flags }));
  });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify({ ...version, isReused }));
  terminal.print(`${version.model}:${version.number}`);
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['Deploy it', `${muster} deploy ${version.model}:${version.number} --name ${toSlug(version.model) ?? 'NAME'}`],
    ['See it', `${muster} model show ${version.model}:${version.number}`],
  ]);
}

/** `./` and `..` are named after what they stand for. */
function modelNameOf({ surroundings }: Invocation, file: string): string {
  const path = resolve(surroundings.workingDirectory, file);
  return basename(path, extname(path));
}
