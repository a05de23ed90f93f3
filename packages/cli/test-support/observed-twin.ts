import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type Endpoint,
  type ErrorCode,
  type ImportResult,
  MusterError,
  type Observe,
  type Observed,
  endpointSchema,
  importObservedSchema,
  importResultSchema,
  observationSchema,
  observeSchema,
  observedSchema,
  toMusterError,
  toProblem,
  updateObservedSchema,
} from '@muster-ml/protocol';

/** A server that has observed endpoints and nothing else, from memory; bodies and answers are checked against the protocol. */
export interface ObservedTwin {
  readonly url: string;
  readonly token: string;
  /** Bodies of what was sent, checked. */
  readonly seen: unknown[];
  readonly observed: Observed[];
  /** Names that an import refuses, with the code. */
  readonly refused: Map<string, ErrorCode>;
  close(): Promise<void>;
}

const at = '2026-11-30T10:00:00.000Z';

/** An endpoint `fraud` on KServe; what is not given is not known. */
export function twinObserved(given: Partial<Observed> = {}): Observed {
  return observedSchema.parse({
    name: 'fraud',
    team: 'risk',
    platform: 'kserve',
    location: 'prod/fraud',
    model: null,
    version: null,
    source: 'hand',
    probe: null,
    observation: null,
    ...given,
  });
}

function endpointOf({ name, team }: Observed): Endpoint {
  return endpointSchema.parse({
    name,
    team,
    kind: 'observed',
    owner: { id: 'a1', name: 'ana' },
    useCase: null,
    objective: null,
    runbook: null,
    description: '',
    tags: { format: 'sklearn' },
    limits: { timeoutMs: 1, bodyBytes: 1024, queue: 1 },
    standing: 'observed',
    ready: false,
    signature: null,
    deployments: [],
    previous: null,
    revision: 1,
    createdAt: at,
    createdBy: 'a1',
  });
}

export async function startObservedTwin(): Promise<ObservedTwin> {
  const find = (name: string): Observed => {
    const found = twin.observed.find((one) => one.name === name);
    if (found === undefined) throw new MusterError('endpoint_not_found', `there is no endpoint ${name}`);
    return found;
  };
  const put = (changed: Observed): Observed => {
    const index = twin.observed.findIndex(({ name }) => name === changed.name);
    twin.observed.splice(index === -1 ? twin.observed.length : index, index === -1 ? 0 : 1, changed);
    return changed;
  };
  const known = <T>(body: T): T => {
    twin.seen.push(body);
    return body;
  };

  function answerOf(method: string, path: readonly string[], body: unknown): unknown {
    const [noun, name = '', part] = path;
    if (noun === 'endpoints') return name === '' ? { items: twin.observed.map(endpointOf) } : endpointOf(find(name));
    if (method === 'GET') return name === '' ? { items: twin.observed } : find(name);
    if (name === 'import') return imported(known(importObservedSchema.parse(body)));
    if (name === '') return put(listed(known(observeSchema.parse(body))));
    if (method === 'PATCH') {
      const { probe, ...patch } = known(updateObservedSchema.parse(body));
      const seen = { ok: null, at: null, status: null, ms: null, problem: null };
      const changed = probe === undefined ? {} : { probe: probe === null ? null : { url: probe, ...seen } };
      return put(observedSchema.parse({ ...find(name), ...patch, ...changed }));
    }
    if (part !== 'observations') throw new MusterError('not_offered', 'the twin has no such route');
    const observation = known(observationSchema.parse(body));
    const before = find(name);
    const isOlder = before.observation !== null && before.observation.until >= observation.until;
    return isOlder ? before : put({ ...before, observation });
  }

  function listed({ probe, name, team, platform, location, model, version }: Observe): Observed {
    const seen = { ok: null, at: null, status: null, ms: null, problem: null };
    return twinObserved({
      name,
      team,
      platform,
      location,
      model: model ?? null,
      version: version ?? null,
      probe: probe === undefined ? null : { url: probe, ...seen },
    });
  }

  function imported({ items, dryRun }: ReturnType<typeof importObservedSchema.parse>): ImportResult {
    return importResultSchema.parse({
      items: items.map((item) => {
        const code = twin.refused.get(item.name);
        const isThere = twin.observed.some(({ name }) => name === item.name);
        if (code === undefined && !dryRun) put(listed(item));
        if (code === undefined) return { name: item.name, result: isThere ? 'unchanged' : 'added', problem: null };
        const { message: detail, remedy } = new MusterError(code, `${item.name} is refused`);
        return { name: item.name, result: 'refused', problem: { code, detail, remedy } };
      }),
    });
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://twin');
      const text = Buffer.concat(chunks).toString();
      let status = request.method === 'POST' && url.pathname.endsWith('/observed-endpoints') ? 201 : 200;
      let content: unknown;
      try {
        const path = url.pathname.replace('/api/v1/', '').split('/');
        content = answerOf(request.method ?? '', path, text === '' ? undefined : JSON.parse(text));
      } catch (error) {
        const problem = toProblem(toMusterError(error), 'r1');
        content = problem;
        status = problem.status;
      }
      response.writeHead(status, { 'content-type': status < 300 ? 'application/json' : 'application/problem+json' });
      response.end(JSON.stringify(content));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const twin: ObservedTwin = {
    url: `http://localhost:${port}`,
    token: 'twin-token-1234567890',
    seen: [],
    observed: [],
    refused: new Map(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return twin;
}
