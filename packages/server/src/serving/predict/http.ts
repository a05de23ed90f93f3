import {
  MusterError,
  type Row,
  type RowPlace,
  predictionsCsv,
  predictionsJson,
  readJsonRows,
  rowPlan,
  toProblem,
} from '@muster-ml/protocol';
import type { FaceDependencies } from '../faces.ts';
import type { ErrorRenderer, Exchange } from '../http/exchange.ts';
import { pathSegments } from '../http/path-segments.ts';
import { readBody } from '../http/read-body.ts';
import { allowMethod, callableEndpoint, grantOf, visibleEndpoint } from '../http/visible-endpoint.ts';
import { describedDeployment } from '../oip/metadata.ts';
import type { RoutedDeployment, RoutedEndpoint } from '../routing-table.ts';
import { explainEndpoint } from './explain-endpoint.ts';
import { type PredictedPart, predictRows } from './predict-rows.ts';
import { readCsvRows } from './read-csv-rows.ts';

/** Most rows in one request; more are work for a batch job. */
const maxRows = 100_000;

/** Errors as the management API writes them. */
export const renderProblem: ErrorRenderer = (error, status, requestId) => ({
  contentType: 'application/problem+json',
  body: JSON.stringify({ ...toProblem(error, requestId), status }),
});

/** Answers everything under `/predict`: rows of named fields in, predictions out. Rejects with what the answer is to say. */
export async function answerPredict(exchange: Exchange, dependencies: FaceDependencies): Promise<void> {
  const [, name, ...rest] = pathSegments(exchange.request.url ?? '');
  if (rest.length > 0)
    throw new MusterError('route_not_found', 'there is no such route', {
      remedy: 'GET /predict/{endpoint} explains an endpoint.',
    });
  if (name === undefined || name === '') {
    exchange.operation = 'predict_list';
    allowMethod(exchange, 'GET');
    const grant = grantOf(exchange, dependencies);
    const endpoints = [...dependencies.directory.endpoints()]
      .filter((one) => dependencies.admission.sees(grant, one))
      .map((one) => ({ name: one.name, path: `/predict/${one.name}` }));
    exchange.sendJson(JSON.stringify({ endpoints }));
    return;
  }
  exchange.operation = 'predict';
  allowMethod(exchange, 'GET', 'POST');
  if (exchange.request.method === 'POST')
    await predict(exchange, callableEndpoint(exchange, name, dependencies), dependencies);
  else explain(exchange, visibleEndpoint(exchange, name, dependencies), dependencies);
}

function explain(exchange: Exchange, endpoint: RoutedEndpoint, { readiness }: FaceDependencies): void {
  exchange.operation = 'predict_explain';
  const deployment = describedDeployment(endpoint, undefined);
  exchange.deployment = deployment;
  const { headers, socket } = exchange.request;
  const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  const origin = `${scheme}://${saneHost(headers.host)}`;
  const explanation = explainEndpoint(
    endpoint,
    deployment,
    rowPlan(deployment.signature),
    readiness.deployment(deployment),
    origin,
  );
  exchange.sendJson(`${JSON.stringify(explanation, undefined, 2)}\n`);
}

/** The caller's own name for this server; whatever could break out of the lines to copy is replaced. */
function saneHost(host: string | undefined): string {
  return host !== undefined && /^[A-Za-z0-9.:[\]_-]{1,255}$/.test(host) ? host : 'localhost';
}

async function predict(exchange: Exchange, endpoint: RoutedEndpoint, dependencies: FaceDependencies): Promise<void> {
  const isCsv = isCsvBody(exchange.request.headers['content-type']);
  const body = await readBody(exchange, { maxBytes: endpoint.bodyBytes, timeoutMs: dependencies.limits.bodyTimeoutMs });
  const deployment = dependencies.predictor.pick(endpoint, undefined);
  exchange.deployment = deployment;
  const plan = rowPlan(deployment.signature);
  const rows: Row[] = isCsv ? readCsvRows(body, plan, maxRows) : readJsonRows(body, plan, maxRows);
  const place: RowPlace = isCsv ? (row) => `row ${row + 1}` : (row) => `rows[${row}]`;
  exchange.rows = rows.length;
  const parts = await predictRows(exchange, endpoint, deployment, plan, rows, place, dependencies);
  answer(exchange, endpoint, parts[0]?.prediction.deployment ?? deployment, parts);
}

function answer(
  exchange: Exchange,
  endpoint: RoutedEndpoint,
  deployment: RoutedDeployment,
  parts: readonly PredictedPart[],
): void {
  const headers = ['X-Muster-Version', deployment.version];
  const { signature } = deployment;
  if (wantsCsv(exchange.request.headers.accept)) {
    const written = parts.map(({ rows, prediction }) => predictionsCsv(prediction.outputs, signature, rows));
    const lines = written.flatMap((part) => part.lines);
    // Lines of CSV end in CR LF (RFC 4180).
    const text = written[0] === undefined ? '' : `${[written[0].header, ...lines].join('\r\n')}\r\n`;
    exchange.send(200, 'text/csv; charset=utf-8; header=present', text, headers);
    return;
  }
  const predictions = parts.flatMap(({ rows, prediction }) => predictionsJson(prediction.outputs, signature, rows));
  const about = `"endpoint":${JSON.stringify(endpoint.name)},"model":${JSON.stringify(deployment.model)},"version":${JSON.stringify(deployment.version)}`;
  exchange.send(200, 'application/json', `{${about},"predictions":[${predictions.join(',')}]}`, headers);
}

/** Whether a body is CSV; JSON also without a type, and with the one that curl gives by itself. */
function isCsvBody(contentType: string | undefined): boolean {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  switch (type) {
    case 'text/csv':
    case 'application/csv':
      return true;
    case '':
    case 'application/json':
    case 'application/x-www-form-urlencoded':
      return false;
    default:
      throw new MusterError('unsupported_media_type', 'rows come as application/json or text/csv', {
        place: 'Content-Type',
        details: { accept: 'application/json, text/csv' },
      });
  }
}

/** Whether the caller prefers CSV: names it, and JSON not before it. */
function wantsCsv(accept: string | undefined): boolean {
  const csv = accept?.indexOf('text/csv') ?? -1;
  const json = accept?.indexOf('application/json') ?? -1;
  return csv >= 0 && (json < 0 || csv < json);
}
