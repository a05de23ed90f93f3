import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { endpointColumns } from '../output/endpoint-columns.ts';
import { showList } from '../output/show-list.ts';

/** Lists the endpoints. */
export async function endpointList(invocation: Invocation): Promise<void> {
  const client = await invocation.client();
  const items = await allPages((query) => client.call('endpointList', { query }));
  showList(invocation, items, {
    columns: endpointColumns(invocation),
    name: ({ name }) => name,
    whenEmpty: 'No endpoints yet. Make the first:  muster deploy model.onnx --name fraud',
  });
}
