import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerOrders } from '../process-orders.ts';

/** The limit of what a Node process can do: it parses the body as JSON and answers a constant. */
export interface BareHttpOrder {
  /** The body of every answer. */
  readonly answer: string;
}

export interface BareHttpReport {
  readonly port: number;
}

answerOrders(async ({ answer }: BareHttpOrder): Promise<BareHttpReport> => {
  const length = String(Buffer.byteLength(answer));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks);
      const parsed: unknown = JSON.parse(body.toString());
      const isObject = typeof parsed === 'object' && parsed !== null;
      response.writeHead(isObject ? 200 : 400, ['Content-Type', 'application/json', 'Content-Length', length]);
      response.end(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port };
});
