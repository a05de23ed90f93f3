import { withNearest } from '../context/with-nearest.ts';
import { requireModelReference } from '../handover/model-reference.ts';
import { resolveVersion } from '../handover/resolve-version.ts';
import type { Invocation } from '../invocation.ts';
import { UsageError } from '../usage-error.ts';

export interface ModelAliasFlags {
  readonly delete?: boolean;
}

/** Points an alias at a version (`fraud:3 champion`), or removes it (`fraud champion --delete`). */
export async function modelAlias(
  invocation: Invocation,
  what: string,
  alias: string,
  flags: ModelAliasFlags,
): Promise<void> {
  const { terminal } = invocation;
  const done = terminal.paintNotes.green(terminal.symbols.done);
  if (flags.delete === true) {
    if (/[:@]/.test(what))
      throw new UsageError(
        `an alias is removed from a model, not from ${what}`,
        `Write muster model alias ${what.replace(/[:@].*$/, '')} ${alias} --delete.`,
      );
    const client = await invocation.client();
    await withNearest(
      client,
      'model',
      what,
      async () => await client.call('aliasDelete', { params: { model: what, alias } }),
    );
    if (invocation.flags.json === true) terminal.print(JSON.stringify({ model: what, alias, deleted: true }));
    terminal.note(`${done} removed ${what}@${alias}`);
    return;
  }
  const reference = requireModelReference(what, what);
  const client = await invocation.client();
  const { model } = reference;
  await withNearest(client, 'model', model, async () => {
    const version = await resolveVersion(client, reference);
    const target = await client.call('aliasSet', { params: { model, alias }, body: { version } });
    if (invocation.flags.json === true) terminal.print(JSON.stringify(target));
    terminal.note(`${done} ${model}@${alias} is ${model}:${target.version}`);
    terminal.note(`Deploy it   muster deploy ${model}@${alias} --name NAME`);
  });
}
