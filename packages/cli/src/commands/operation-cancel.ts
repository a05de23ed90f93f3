import type { Invocation } from '../invocation.ts';

/** Cancels an operation that still runs. */
export async function operationCancel(invocation: Invocation, id: string): Promise<void> {
  const { terminal } = invocation;
  const client = await invocation.client();
  const operation = await client.call('operationCancel', { params: { operation: id } });
  if (invocation.flags.json === true) terminal.print(JSON.stringify(operation));
  terminal.note(
    operation.state === 'running'
      ? `${terminal.symbols.ellipsis} it is being cancelled: muster operation show ${id}`
      : `operation ${id}: ${operation.state}`,
  );
}
