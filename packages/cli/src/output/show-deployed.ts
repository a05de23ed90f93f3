import type { Client } from '@muster-ml/client';
import type { DeploymentRole, Endpoint } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { explain, exampleOf } from '../prediction/explain.ts';
import { curlLine } from './curl-line.ts';
import { nextCommands } from './next-commands.ts';
import { commandName } from './command-name.ts';
import { deploymentOf } from './endpoint-text.ts';

/** Ends a deployment: the address as data, then what to do next. */
export async function showDeployed(
  invocation: Invocation,
  client: Client,
  {
    name,
    role,
    endpoint,
    sampleFile,
  }: {
    readonly name: string;
    readonly role: DeploymentRole;
    readonly endpoint: Endpoint | undefined;
    readonly sampleFile: string | undefined;
  },
): Promise<void> {
  const { terminal, flags } = invocation;
  const url = `${client.url}/predict/${name}`;
  if (flags.json === true) {
    const deployment = endpoint === undefined ? undefined : deploymentOf(endpoint, role);
    terminal.print(
      JSON.stringify({
        name,
        role,
        model: deployment?.model,
        version: deployment?.version,
        url,
        inferUrl: `${client.url}/v2/models/${name}/infer`,
        endpoint,
      }),
    );
    return;
  }
  if (flags.output === 'name') terminal.print(name);
  else terminal.print(url);
  if (terminal.isQuiet) return;
  const muster = commandName(invocation);
  // An endpoint that cannot be explained yet is still deployed; the lines are only a help.
  const example = await explain(client, name).then(exampleOf, () => undefined);
  nextCommands(terminal, [
    ['Try it', `${muster} predict ${name}`],
    ['', curlLine(invocation, url, example, sampleFile)],
    ['See it', `${muster} endpoint show ${name}`],
    ...(role === 'live'
      ? []
      : [
          [role === 'canary' ? 'All of it' : 'Make live', `${muster} promote ${name}`] as const,
          ['End it', `${muster} endpoint end ${name} ${role}`] as const,
        ]),
    ...(role === 'live' && endpoint?.previous != null ? [['Undo it', `${muster} rollback ${name}`] as const] : []),
  ]);
}
