import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** Mounts a handler that reads and writes by itself, such as a stream that never ends: nothing of Fastify touches its body. */
export function mountRaw(
  app: FastifyInstance,
  method: 'GET' | 'POST',
  url: string,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  app.route({
    method,
    url,
    // Gateways report each second: that is not worth a line.
    logLevel: 'warn',
    onRequest: async (request, reply) => {
      reply.hijack();
      handle(request.raw, reply.raw);
      return reply;
    },
    handler: () => undefined,
  });
}
