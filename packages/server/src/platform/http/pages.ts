import type { FastifyInstance } from 'fastify';
import { referencePage } from './reference-page.ts';

/** What control shows beside the API. */
export interface Pages {
  readonly openApi: Readonly<Record<string, unknown>>;
  /** In the exposition format of Prometheus. */
  readonly metrics: () => Promise<string>;
  /** Whether a request for `/metrics` comes from a gateway of this installation. */
  readonly isInternal: (authorization: string | undefined) => boolean;
}

/** Mounts the OpenAPI document, its readable page, a first page at `/`, and the metrics that the gateway fetches. */
export function mountPages(app: FastifyInstance, pages: Pages): void {
  const document = Buffer.from(JSON.stringify(pages.openApi));
  const reference = referencePage(pages.openApi);
  app.get(
    '/api/openapi.json',
    async (_request, reply) => await reply.header('content-type', 'application/json').send(document),
  );
  app.get('/api', async (_request, reply) => await reply.type('text/html').send(reference));
  app.get('/', async (_request, reply) => await reply.type('text/html').send(firstPage));
  app.get('/metrics', async (request, reply) => {
    if (!pages.isInternal(request.headers.authorization)) return await reply.code(401).send();
    return await reply.type('text/plain; version=0.0.4').send(await pages.metrics());
  });
}

const firstPage = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Muster</title>
<style>:root { color-scheme: light dark; } body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; } pre { font: 13px/1.5 ui-monospace, monospace; padding: .75rem; border: 1px solid #8886; border-radius: 4px; overflow-x: auto; }</style></head><body>
<h1>Muster is running</h1>
<p>Hand over a model and it becomes an endpoint:</p>
<pre>muster deploy model.onnx --name my-model
muster predict my-model
muster status</pre>
<ul>
<li><a href="/api">The management API</a> and its <a href="/api/openapi.json">OpenAPI document</a></li>
<li><code>/v2</code>: predictions by the Open Inference Protocol · <code>/predict/{endpoint}</code>: rows as JSON or CSV</li>
<li><a href="/readyz">Readiness</a> · <a href="/metrics">metrics</a></li>
</ul>
</body></html>
`;
