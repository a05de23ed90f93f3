import { Agent, request } from 'undici';

/** One answer of the endpoint, or why there was none. */
export interface Outcome {
  /** HTTP status; 0 where the connection broke. */
  readonly status: number;
  readonly body: string;
  /** `x-muster-version`, where the answer says which version gave it. */
  readonly version: string | undefined;
}

/** Clients that each send one request after the other until they are stopped. */
export interface Load {
  /** What came back so far that was not 200. */
  readonly failures: readonly Outcome[];
  /** Answers with 200 so far. */
  readonly answered: number;
  readonly byVersion: ReadonlyMap<string, number>;
  /** No new requests; resolves when the last answer is there. */
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly url: string;
  readonly token: string;
  readonly endpoint: string;
  readonly clients: number;
  /** The infer request of a client's n-th call. */
  readonly body: (client: number, call: number) => string;
  /** Checks a 200; a thrown error is a failure. */
  readonly check?: (body: string, client: number, call: number) => void;
}

/** Puts an endpoint under load over the Open Inference Protocol, with one kept-alive connection a client. */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ connections: options.clients, pipelining: 1, headersTimeout: 60_000, bodyTimeout: 60_000 });
  const failures: Outcome[] = [];
  const byVersion = new Map<string, number>();
  let answered = 0;
  const stopping = new AbortController();
  let stopped: Promise<void> | undefined;

  async function client(id: number): Promise<void> {
    for (let call = 0; !stopping.signal.aborted; call++) {
      const outcome = await send(id, call);
      if (outcome.status !== 200) {
        failures.push(outcome);
        continue;
      }
      try {
        options.check?.(outcome.body, id, call);
        answered += 1;
        const version =
          outcome.version ?? (JSON.parse(outcome.body) as { readonly model_version?: string }).model_version ?? '';
        byVersion.set(version, (byVersion.get(version) ?? 0) + 1);
      } catch (error) {
        failures.push({
          ...outcome,
          body: `${error instanceof Error ? error.message : String(error)}: ${outcome.body.slice(0, 500)}`,
        });
      }
    }
  }

  async function send(id: number, call: number): Promise<Outcome> {
    try {
      const response = await request(`${options.url}/v2/models/${options.endpoint}/infer`, {
        method: 'POST',
        dispatcher: agent,
        headers: { authorization: `Bearer ${options.token}`, 'content-type': 'application/json' },
        body: options.body(id, call),
      });
      const version = response.headers['x-muster-version'];
      return {
        status: response.statusCode,
        body: await response.body.text(),
        version: typeof version === 'string' ? version : undefined,
      };
    } catch (error) {
      return {
        status: 0,
        body: error instanceof Error ? `${error.name} ${error.message}` : String(error),
        version: undefined,
      };
    }
  }

  const running = Promise.all(Array.from({ length: options.clients }, async (_, id) => await client(id)));
  return {
    failures,
    byVersion,
    get answered() {
      return answered;
    },
    async stop() {
      stopping.abort();
      stopped ??= running.then(async () => await agent.close());
      await stopped;
    },
  };
}
