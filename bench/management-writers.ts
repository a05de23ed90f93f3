import { createClient } from '@muster-ml/client';

/** Clients of the management API, each of which writes without a pause until told to stop. */
export interface WritersOrder {
  readonly url: string;
  readonly token: string;
  /** An endpoint and a model for each writer, so that they do not wait for each other's revisions. */
  readonly endpoints: readonly string[];
  readonly model: string;
  readonly version: number;
  readonly durationMs: number;
  /** Begins the names of the models that are made; must be new. */
  readonly prefix: string;
}

export interface WritersReport {
  readonly writes: number;
  readonly seconds: number;
  readonly failures: number;
  readonly firstFailure: string | undefined;
}

/** Each writer in turns makes a model, points an alias, and changes its endpoint's description. */
export async function writeToManagement(order: WritersOrder): Promise<WritersReport> {
  const client = createClient({ url: order.url, token: order.token });
  const startMs = performance.now();
  let writes = 0;
  let failures = 0;
  let firstFailure: string | undefined;

  async function write(endpoint: string, index: number): Promise<void> {
    const params = { endpoint };
    let { revision } = await client.call('endpointGet', { params });
    for (let turn = 0; performance.now() - startMs < order.durationMs; turn++) {
      try {
        if (turn % 3 === 0) await client.call('modelCreate', { body: { name: `${order.prefix}-${index}-${turn}` } });
        else if (turn % 3 === 1)
          await client.call('aliasSet', {
            params: { model: order.model, alias: `writer-${index}` },
            body: { version: order.version },
          });
        else
          ({ revision } = await client.call('endpointUpdate', {
            params,
            body: { description: `change ${turn} of ${order.prefix}` },
            ifMatch: revision,
          }));
        writes += 1;
      } catch (error) {
        failures += 1;
        firstFailure ??= (error as Error).message;
        ({ revision } = await client.call('endpointGet', { params }));
      }
    }
  }

  await Promise.all(order.endpoints.map(write));
  return { writes, seconds: (performance.now() - startMs) / 1000, failures, firstFailure };
}
