import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { readCount } from '../units/count.ts';
import { readDuration } from '../units/duration.ts';
import { readObjective } from '../units/objective.ts';
import { readSize } from '../units/size.ts';
import { UsageError } from '../usage-error.ts';

export interface EndpointUpdateFlags {
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly timeout?: string;
  readonly body?: string;
  readonly queue?: string;
  readonly owner?: string;
  /** `none` takes it away; so of the next two. */
  readonly useCase?: string;
  readonly runbook?: string;
  readonly objective?: string;
}

/** Changes what an endpoint says of itself, and its limits. What is not given stays. */
export async function endpointUpdate(invocation: Invocation, name: string, flags: EndpointUpdateFlags): Promise<void> {
  const { terminal } = invocation;
  const limits = {
    ...(flags.timeout === undefined ? {} : { timeoutMs: Math.round(readDuration('--timeout', flags.timeout)) }),
    ...(flags.body === undefined ? {} : { bodyBytes: readSize('--body', flags.body) }),
    ...(flags.queue === undefined ? {} : { queue: readCount('--queue', flags.queue, 1) }),
  };
  const tags = flags.tag?.map(readTag);
  const wish = {
    ...(flags.description === undefined ? {} : { description: flags.description }),
    ...(flags.owner === undefined ? {} : { owner: flags.owner }),
    ...(flags.useCase === undefined ? {} : { useCase: orNone(flags.useCase) }),
    ...(flags.runbook === undefined ? {} : { runbook: orNone(flags.runbook) }),
    ...(flags.objective === undefined
      ? {}
      : { objective: flags.objective === 'none' ? null : readObjective('--objective', flags.objective) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
  if (tags === undefined && Object.keys(wish).length === 0)
    throw new UsageError(
      'nothing to change',
      'Give at least one of --description, --owner, --use-case, --objective, --runbook, --tag, --timeout, --body, --queue.',
    );
  const client = await invocation.client();
  const endpoint = await withNearest(
    client,
    'endpoint',
    name,
    async () => await client.call('endpointGet', { params: { endpoint: name } }),
  );
  const changed = await client.call('endpointUpdate', {
    params: { endpoint: name },
    ifMatch: endpoint.revision,
    body: {
      ...wish,
      ...(tags === undefined ? {} : { tags: changedTags(endpoint.tags, tags) }),
    },
  });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(changed));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} changed ${name}`);
  terminal.note(`See it   muster endpoint show ${name}`);
}

/** What a flag says; `none` takes away what is there. */
function orNone(text: string): string | null {
  return text === 'none' ? null : text;
}

function readTag(text: string): readonly [key: string, value: string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`\`${text}\` is no tag`, 'Write key=value; key= removes it.', '--tag');
}

function changedTags(
  known: Readonly<Record<string, string>>,
  tags: readonly (readonly [string, string])[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...known, ...Object.fromEntries(tags) }).filter(([, value]) => value !== ''),
  );
}
