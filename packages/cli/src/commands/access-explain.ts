import { readAction } from '../context/read-action.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { safeText } from '../output/text-width.ts';

/** Says whether an actor may do something, and which rule decides. The answer is data: no is no failure. */
export async function accessExplain(
  invocation: Invocation,
  actor: string,
  actionName: string,
  resource: string,
): Promise<void> {
  const { terminal } = invocation;
  const action = await readAction('action', actionName);
  const client = await invocation.client();
  const explanation = await withNearest(
    client,
    'actor',
    actor,
    async () => await client.call('accessExplain', { query: { actor, action, resource } }),
  );
  if (invocation.flags.json === true) return terminal.print(JSON.stringify(explanation));
  const { allow, visible, reasons } = explanation;
  const sign = allow ? terminal.paint.green(terminal.symbols.done) : terminal.paint.red(terminal.symbols.failed);
  terminal.print(
    `${sign} ${safeText(`${explanation.actor} ${allow ? 'may' : 'may not'} ${action} on ${explanation.resource}`)}`,
  );
  for (const reason of reasons) terminal.print(safeText(`  ${reason}`));
  if (!visible) terminal.print('  For this actor it does not exist: requests are answered as if there were none.');
}
