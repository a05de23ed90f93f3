import { z } from 'zod';
import { slugSchema } from '../management/names.ts';
import { operationSchema } from '../management/operations.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { deleteSecretQuerySchema, secretSchema, setSecretSchema } from '../management/secrets.ts';
import { route } from '../route.ts';

const secret = z.strictObject({ team: slugSchema, secret: slugSchema });

/** Routes of secrets, which are written, listed and never read. */
export const secretRoutes = {
  secretList: route({
    method: 'GET',
    path: '/api/v1/secrets',
    action: 'secret.read',
    summary: 'Secrets, by team and name, without their values',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(secretSchema) },
  }),
  secretGet: route({
    method: 'GET',
    path: '/api/v1/secrets/{team}/{secret}',
    action: 'secret.read',
    summary: 'One secret, without its value',
    params: secret,
    answer: { status: 200, schema: secretSchema },
  }),
  secretSet: route({
    method: 'PUT',
    path: '/api/v1/secrets/{team}/{secret}',
    action: 'secret.set',
    summary: 'Gives a secret a new value, as its next version',
    params: secret,
    body: setSecretSchema,
    answer: { status: 200, schema: secretSchema },
  }),
  secretDelete: route({
    method: 'DELETE',
    path: '/api/v1/secrets/{team}/{secret}',
    action: 'secret.delete',
    summary: 'Deletes a secret that no deployment refers to',
    params: secret,
    query: deleteSecretQuerySchema,
    answer: { status: 204 },
  }),
  secretKeyRotate: route({
    method: 'POST',
    path: '/api/v1/secrets/rotate-key',
    action: 'secret.rotate',
    summary: 'Makes a new key and wraps the keys of all secrets with it',
    answer: { status: 202, schema: operationSchema },
  }),
} as const;
