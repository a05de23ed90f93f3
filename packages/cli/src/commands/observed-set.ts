import type { CallOptions } from '@muster-ml/client';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { UsageError } from '../usage-error.ts';

export interface ObservedSetFlags {
  readonly platform?: string;
  readonly location?: string;
  readonly model?: string;
  readonly modelVersion?: string;
  readonly probe?: string;
}

type Patch = NonNullable<CallOptions<'observedUpdate'>['body']>;

/** Changes where it is, what it serves, or how it is looked at. What is not given stays. */
export async function observedSet(invocation: Invocation, name: string, flags: ObservedSetFlags): Promise<void> {
  const { terminal } = invocation;
  const { platform, location, model, modelVersion, probe } = flags;
  const body: Patch = {
    ...(platform === undefined ? {} : { platform }),
    ...(location === undefined ? {} : { location }),
    ...(model === undefined ? {} : { model: orNull(model) }),
    ...(modelVersion === undefined ? {} : { version: orNull(modelVersion) }),
    ...(probe === undefined ? {} : { probe: orNull(probe) }),
  };
  if (Object.keys(body).length === 0)
    throw new UsageError(
      'nothing to change',
      'Give at least one of --platform, --location, --model, --model-version, --probe; the rest with muster endpoint update.',
    );
  const client = await invocation.client();
  const changed = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('observedUpdate', { params: { endpoint: name }, body }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(changed));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} changed ${name}`);
  nextCommands(terminal, [['See it', `${commandName(invocation)} observed show ${name}`]]);
}

/** `none` takes it away. */
function orNull(text: string): string | null {
  return text === 'none' ? null : text;
}
