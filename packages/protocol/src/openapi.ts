import { z } from 'zod';
import { type ErrorCode, catalogue } from './errors/catalogue.ts';
import { httpStatusOfKind, problemSchema } from './errors/problem.ts';
import type { RawBody, Route } from './route.ts';
import { routes } from './routes.ts';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the management API, made from `routes.ts`; `version` is Muster's. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(name, route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Muster management API',
      version,
      description:
        'Models, versions, endpoints and deployments. Predictions are under /v2 (Open Inference Protocol) and /predict. Every error is application/problem+json.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problemSchema, 'output') },
    },
    'x-error-codes': Object.fromEntries(
      (Object.keys(catalogue) as ErrorCode[]).map((code) => [
        code,
        { status: httpStatusOfKind[catalogue[code].kind], title: catalogue[code].title },
      ]),
    ),
  };
}

function operationOf(name: string, route: Route): Json {
  const parameters = [...parametersIn('path', route.params), ...parametersIn('query', route.query)];
  if (route.conditional === true)
    parameters.push({
      name: 'If-Match',
      in: 'header',
      required: false,
      description: 'The ETag that the read gave; 412 when it is stale',
      schema: { type: 'string' },
    });
  if (route.method === 'POST')
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: 'Lets the request be repeated safely for 24 hours',
      schema: { type: 'string', maxLength: 200 },
    });
  return {
    operationId: name,
    summary: route.summary,
    'x-action': route.action,
    tags: [route.path.split('/')[3] ?? 'installation'],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: contentOf(route.body, 'input') } }),
    responses: {
      [String(route.answer.status)]: {
        description: route.summary,
        ...(route.answer.schema === undefined ? {} : { content: contentOf(route.answer.schema, 'output') }),
      },
      default: {
        description: 'An error',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function parametersIn(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return [];
  const shape = schemaOf(schema, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(shape.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || (shape.required ?? []).includes(name),
    schema: property,
  }));
}

function contentOf(body: z.ZodType | RawBody, io: 'input' | 'output'): Json {
  if (body === 'octet-stream')
    return { 'application/octet-stream': { schema: { type: 'string', contentMediaType: 'application/octet-stream' } } };
  if (body === 'event-stream') return { 'text/event-stream': { schema: { type: 'string' } } };
  return { 'application/json': { schema: schemaOf(body, io) } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
