import { Agent, request as httpRequest } from 'node:http';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly token?: string | undefined;
  /** JSON, or bytes. */
  readonly body?: object | Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The loopback address that it comes from. */
  readonly from?: string | undefined;
}

export interface Answered {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The code of a problem, or of an error as another protocol writes it. */
  readonly code: string | undefined;
  readonly ms: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

/** Sends one request and reads its whole answer. */
export async function send(port: number, asked: Asked): Promise<Answered> {
  const begunAt = performance.now();
  const bytes =
    asked.body instanceof Uint8Array ? asked.body : asked.body === undefined ? undefined : JSON.stringify(asked.body);
  const type = asked.body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
  return await new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      host: '127.0.0.1',
      port,
      method: asked.method,
      path: asked.path,
      ...(asked.from === undefined ? { agent } : { localAddress: asked.from, agent: false }),
      headers: {
        host: `localhost:${port}`,
        ...(asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }),
        ...(bytes === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(bytes) }),
        ...asked.headers,
      },
    });
    outgoing.on('error', reject).on('response', (response) => {
      const parts: Buffer[] = [];
      response
        .on('data', (part: Buffer) => parts.push(part))
        .on('error', reject)
        .on('end', () => {
          const body = Buffer.concat(parts).toString('utf8');
          const headers = Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          );
          resolve({
            status: response.statusCode ?? 0,
            headers,
            body,
            code: codeIn(body),
            ms: performance.now() - begunAt,
          });
        });
    });
    outgoing.end(bytes);
  });
}

/** `code` of problem+json, or the word before the colon of an inference client's error. */
function codeIn(body: string): string | undefined {
  try {
    const { code, error } = JSON.parse(body) as { readonly code?: unknown; readonly error?: unknown };
    if (typeof code === 'string') return code;
    return typeof error === 'string' ? /^[a-z_]+(?=:)/.exec(error)?.[0] : undefined;
  } catch {
    return undefined;
  }
}

/** Does all of it, some at a time. */
export async function inParallel<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of rest) await work(item);
    }),
  );
}
