import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';

/** Changes what a team says of itself. */
export async function teamDescribe(invocation: Invocation, name: string, description: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const team = await withNearest(
    client,
    'team',
    name,
    async () => await client.call('teamUpdate', { params: { team: name }, body: { description } }),
  );
  if (invocation.flags.json === true) terminal.print(JSON.stringify(team));
  terminal.note(`${terminal.paintNotes.green(terminal.symbols.done)} changed ${team.name}`);
}
