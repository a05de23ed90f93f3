import { basename, extname } from 'node:path';
import { registerFile } from '../handover/register-file.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { toSlug } from '../handover/derive-name.ts';

export interface ModelPushFlags {
  readonly name?: string;
  readonly team?: string;
  readonly sample?: string;
  readonly signature?: string;
  readonly description?: string;
}

/** Registers a file as the next version of a model, without deploying it. */
export async function modelPush(invocation: Invocation, file: string, flags: ModelPushFlags): Promise<void> {
  const { terminal } = invocation;
  const model = flags.name ?? basename(file, extname(file));
  if (flags.name === undefined) terminal.note(`  model ${model}, after the file; --name chooses another`);
  const client = await invocation.client();
  const { version, isReused } = await registerFile(invocation, client, {
    path: file,
    model,
    team: flags.team,
    samplePath: flags.sample,
    signaturePath: flags.signature,
    description: flags.description,
  });
  if (invocation.flags.json === true) return terminal.print(JSON.stringify({ ...version, isReused }));
  terminal.print(`${version.model}:${version.number}`);
  const muster = commandName(invocation);
  nextCommands(terminal, [
    ['Deploy it', `${muster} deploy ${version.model}:${version.number} --name ${toSlug(version.model) ?? 'NAME'}`],
    ['See it', `${muster} model show ${version.model}:${version.number}`],
  ]);
}
