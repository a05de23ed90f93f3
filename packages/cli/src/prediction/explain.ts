import { type Client, errorIn } from '@muster-ml/client';

/** What `GET /predict/{endpoint}` says, as far as it is used here. */
export interface Explanation {
  readonly model?: string;
  readonly version?: string;
  readonly fields?: readonly { readonly name: string; readonly type?: string; readonly optional?: boolean }[];
  readonly example?: unknown;
}

/** Asks an endpoint to explain itself. Throws the error that the server answers. */
export async function explain(client: Client, endpoint: string): Promise<Explanation> {
  const response = await client.request(`/predict/${encodeURIComponent(endpoint)}`, {
    headers: { accept: 'application/json' },
  });
  if (!response.ok) throw await errorIn(response);
  const answer: unknown = await response.json();
  return typeof answer === 'object' && answer !== null ? answer : {};
}

/** The body of a request that the endpoint would take; undefined where it gives none. */
export function exampleOf(explanation: Explanation): { readonly rows: readonly unknown[] } | undefined {
  const { example } = explanation;
  if (typeof example !== 'object' || example === null || !('rows' in example) || !Array.isArray(example.rows))
    return undefined;
  return { rows: example.rows };
}
