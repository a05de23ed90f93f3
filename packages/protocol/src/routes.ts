import { z } from 'zod';
import {
  deploySchema,
  endpointEventSchema,
  endpointSchema,
  rollbackSchema,
  updateEndpointSchema,
} from './management/endpoints.ts';
import { followSchema, setFollowSchema } from './management/follows.ts';
import { installationStatusSchema } from './management/installation.ts';
import {
  aliasTargetSchema,
  createModelSchema,
  createVersionSchema,
  modelSchema,
  setAliasSchema,
  versionSchema,
} from './management/models.ts';
import { aliasSchema, modelNameSchema, slugSchema, versionNumberSchema } from './management/names.ts';
import { operationSchema } from './management/operations.ts';
import { pageOf, pageQuerySchema } from './management/pages.ts';
import { scoreSchema, startScoreSchema } from './management/scores.ts';
import { startUploadSchema, storedObjectSchema, uploadSchema } from './management/uploads.ts';
import { route } from './route.ts';
import { auditRoutes } from './routes/audit.ts';
import { backupRoutes } from './routes/backups.ts';
import { drillRoutes } from './routes/drills.ts';
import { historyRoutes } from './routes/history.ts';
import { identityRoutes } from './routes/identity.ts';
import { insightRoutes } from './routes/insights.ts';
import { notificationRoutes } from './routes/notifications.ts';
import { observedRoutes } from './routes/observed.ts';
import { readinessRoutes } from './routes/readiness.ts';
import { secretRoutes } from './routes/secrets.ts';
import { usageRoutes } from './routes/usage.ts';
import { useCaseRoutes } from './routes/use-cases.ts';

const model = z.strictObject({ model: modelNameSchema });
const version = z.strictObject({ model: modelNameSchema, version: versionNumberSchema });
const alias = z.strictObject({ model: modelNameSchema, alias: aliasSchema });
const upload = z.strictObject({ upload: z.string().max(100) });
const endpoint = z.strictObject({ endpoint: slugSchema });
const operation = z.strictObject({ operation: z.string().max(100) });
const score = z.strictObject({ score: z.string().max(100) });

/** The management API under `/api/v1`. A released route changes only by addition. */
export const routes = {
  ...identityRoutes,
  ...auditRoutes,
  ...backupRoutes,
  ...historyRoutes,
  ...secretRoutes,
  ...usageRoutes,
  ...useCaseRoutes,
  ...readinessRoutes,
  ...drillRoutes,
  ...observedRoutes,
  ...notificationRoutes,
  ...insightRoutes,
  status: route({
    method: 'GET',
    path: '/api/v1/status',
    action: 'installation.read',
    summary: 'How the installation is',
    answer: { status: 200, schema: installationStatusSchema },
  }),

  operationGet: route({
    method: 'GET',
    path: '/api/v1/operations/{operation}',
    action: 'operation.read',
    summary: 'One operation',
    params: operation,
    answer: { status: 200, schema: operationSchema },
  }),
  operationWatch: route({
    method: 'GET',
    path: '/api/v1/operations/{operation}/events',
    action: 'operation.read',
    summary: 'Watches an operation until it ends (server-sent events)',
    params: operation,
    answer: { status: 200, schema: 'event-stream' },
  }),
  operationCancel: route({
    method: 'POST',
    path: '/api/v1/operations/{operation}/cancel',
    action: 'operation.cancel',
    summary: 'Cancels an operation',
    params: operation,
    answer: { status: 200, schema: operationSchema },
  }),

  uploadStart: route({
    method: 'POST',
    path: '/api/v1/uploads',
    action: 'upload.create',
    summary: 'Starts an upload in parts',
    body: startUploadSchema,
    answer: { status: 201, schema: uploadSchema },
  }),
  uploadGet: route({
    method: 'GET',
    path: '/api/v1/uploads/{upload}',
    action: 'upload.create',
    summary: 'What of an upload has arrived',
    params: upload,
    answer: { status: 200, schema: uploadSchema },
  }),
  uploadPart: route({
    method: 'PUT',
    path: '/api/v1/uploads/{upload}/parts/{part}',
    action: 'upload.create',
    summary: 'Sends one part; repeating it is safe',
    params: z.strictObject({ upload: z.string().max(100), part: z.coerce.number().int().min(1).max(100_000) }),
    body: 'octet-stream',
    answer: { status: 200, schema: uploadSchema },
  }),
  uploadComplete: route({
    method: 'POST',
    path: '/api/v1/uploads/{upload}/complete',
    action: 'upload.create',
    summary: 'Verifies the whole and stores it',
    params: upload,
    answer: { status: 200, schema: storedObjectSchema },
  }),
  uploadAbort: route({
    method: 'DELETE',
    path: '/api/v1/uploads/{upload}',
    action: 'upload.create',
    summary: 'Drops an upload',
    params: upload,
    answer: { status: 204 },
  }),

  modelList: route({
    method: 'GET',
    path: '/api/v1/models',
    action: 'model.read',
    summary: 'Models, by name',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(modelSchema) },
  }),
  modelCreate: route({
    method: 'POST',
    path: '/api/v1/models',
    action: 'model.create',
    summary: 'Makes a model',
    body: createModelSchema,
    answer: { status: 201, schema: modelSchema },
  }),
  modelGet: route({
    method: 'GET',
    path: '/api/v1/models/{model}',
    action: 'model.read',
    summary: 'One model',
    params: model,
    answer: { status: 200, schema: modelSchema },
  }),
  versionList: route({
    method: 'GET',
    path: '/api/v1/models/{model}/versions',
    action: 'version.read',
    summary: 'Versions of a model, newest first',
    params: model,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(versionSchema) },
  }),
  versionRegister: route({
    method: 'POST',
    path: '/api/v1/models/{model}/versions',
    action: 'version.register',
    summary: 'Inspects an uploaded file and registers it as the next version',
    params: model,
    body: createVersionSchema,
    // It may bring a sample of images or of long texts.
    bodyBytes: 16 * 1024 * 1024,
    answer: { status: 202, schema: operationSchema },
  }),
  versionGet: route({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}',
    action: 'version.read',
    summary: 'One version',
    params: version,
    answer: { status: 200, schema: versionSchema },
  }),
  versionFile: route({
    method: 'GET',
    path: '/api/v1/models/{model}/versions/{version}/file',
    action: 'version.read',
    summary: 'The file of a version',
    params: version,
    answer: { status: 200, schema: 'octet-stream' },
  }),
  aliasSet: route({
    method: 'PUT',
    path: '/api/v1/models/{model}/aliases/{alias}',
    action: 'alias.set',
    summary: 'Points an alias at a version',
    params: alias,
    body: setAliasSchema,
    answer: { status: 200, schema: aliasTargetSchema },
  }),
  aliasDelete: route({
    method: 'DELETE',
    path: '/api/v1/models/{model}/aliases/{alias}',
    action: 'alias.set',
    summary: 'Removes an alias',
    params: alias,
    answer: { status: 204 },
  }),

  endpointList: route({
    method: 'GET',
    path: '/api/v1/endpoints',
    action: 'endpoint.read',
    summary: 'Endpoints, by name',
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(endpointSchema) },
  }),
  endpointGet: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}',
    action: 'endpoint.read',
    summary: 'One endpoint',
    params: endpoint,
    answer: { status: 200, schema: endpointSchema },
  }),
  endpointUpdate: route({
    method: 'PATCH',
    path: '/api/v1/endpoints/{endpoint}',
    action: 'endpoint.update',
    summary: 'Changes description, tags or limits',
    params: endpoint,
    body: updateEndpointSchema,
    answer: { status: 200, schema: endpointSchema },
    conditional: true,
  }),
  endpointDelete: route({
    method: 'DELETE',
    path: '/api/v1/endpoints/{endpoint}',
    action: 'endpoint.delete',
    summary: 'Ends an endpoint; its versions stay',
    params: endpoint,
    answer: { status: 204 },
  }),
  endpointEvents: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/events',
    action: 'endpoint.logs',
    summary: 'What happened to an endpoint, newest first',
    params: endpoint,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(endpointEventSchema) },
  }),
  followGet: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/follow',
    action: 'endpoint.read',
    summary: 'Which alias of an MLflow server an endpoint follows',
    params: endpoint,
    answer: { status: 200, schema: followSchema },
  }),
  followSet: route({
    method: 'PUT',
    path: '/api/v1/endpoints/{endpoint}/follow',
    action: 'endpoint.deploy',
    summary: 'Makes an endpoint follow an alias of an MLflow server',
    params: endpoint,
    body: setFollowSchema,
    answer: { status: 200, schema: followSchema },
  }),
  followEnd: route({
    method: 'DELETE',
    path: '/api/v1/endpoints/{endpoint}/follow',
    action: 'endpoint.deploy',
    summary: 'Ends following; what is live stays',
    params: endpoint,
    answer: { status: 204 },
  }),
  deploy: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/deployments',
    action: 'endpoint.deploy',
    summary: 'Deploys a version as live, canary or shadow',
    params: endpoint,
    body: deploySchema,
    answer: { status: 202, schema: operationSchema },
  }),
  deploymentEnd: route({
    method: 'DELETE',
    path: '/api/v1/endpoints/{endpoint}/deployments/{deployment}',
    action: 'endpoint.deploy',
    summary: 'Ends a canary or a shadow',
    params: z.strictObject({ endpoint: slugSchema, deployment: z.string().max(100) }),
    answer: { status: 204 },
  }),
  promote: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/promote',
    action: 'endpoint.promote',
    summary: 'Makes the canary (or else the shadow) live',
    params: endpoint,
    answer: { status: 202, schema: operationSchema },
  }),
  rollback: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/rollback',
    action: 'endpoint.rollback',
    summary: 'Brings back what was live before',
    params: endpoint,
    body: rollbackSchema,
    answer: { status: 202, schema: operationSchema },
  }),
  endpointRestart: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/restart',
    action: 'endpoint.deploy',
    summary:
      'Starts the replicas of an endpoint anew, with the newest secrets; the old ones answer until the new ones do',
    params: endpoint,
    answer: { status: 200, schema: endpointSchema },
  }),

  scoreStart: route({
    method: 'POST',
    path: '/api/v1/endpoints/{endpoint}/scores',
    action: 'endpoint.score',
    summary: 'Scores an uploaded table in the background',
    params: endpoint,
    body: startScoreSchema,
    answer: { status: 202, schema: operationSchema },
  }),
  scoreList: route({
    method: 'GET',
    path: '/api/v1/endpoints/{endpoint}/scores',
    action: 'score.read',
    summary: 'Scores of an endpoint, newest first',
    params: endpoint,
    query: pageQuerySchema,
    answer: { status: 200, schema: pageOf(scoreSchema) },
  }),
  scoreGet: route({
    method: 'GET',
    path: '/api/v1/scores/{score}',
    action: 'score.read',
    summary: 'One score and how far it is',
    params: score,
    answer: { status: 200, schema: scoreSchema },
  }),
  scoreResult: route({
    method: 'GET',
    path: '/api/v1/scores/{score}/result',
    action: 'score.read',
    summary: 'The table of answers',
    params: score,
    answer: { status: 200, schema: 'octet-stream' },
  }),
  scoreErrors: route({
    method: 'GET',
    path: '/api/v1/scores/{score}/errors',
    action: 'score.read',
    summary: 'The rows without an answer, with reasons (JSONL)',
    params: score,
    answer: { status: 200, schema: 'octet-stream' },
  }),
  scoreDelete: route({
    method: 'DELETE',
    path: '/api/v1/scores/{score}',
    action: 'score.delete',
    summary: 'Removes a score that has ended, with its result',
    params: score,
    answer: { status: 204 },
  }),
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
