import {
  type ErrorKind,
  MusterError,
  type Row,
  type Tensor,
  bindInputs,
  noParameters,
  packByteElements,
  readInvocationRows,
  rowPlan,
  invocationPredictions,
  tensorTexts,
} from '@muster-ml/protocol';
import type { FaceDependencies } from '../faces.ts';
import type { ErrorRenderer, Exchange } from '../http/exchange.ts';
import { pathSegments } from '../http/path-segments.ts';
import { readBody } from '../http/read-body.ts';
import { allowMethod, callableEndpoint, visibleEndpoint } from '../http/visible-endpoint.ts';
import { describedDeployment } from '../oip/metadata.ts';
import { predictRows } from '../predict/predict-rows.ts';
import type { RoutedDeployment, RoutedEndpoint } from '../routing-table.ts';
import { readInvocationCsv } from './read-invocation-csv.ts';

/** Most rows in one request; more are work for a batch job. */
const maxRows = 100_000;

/** The last part of the paths that belong to this face, all under `/endpoints/{endpoint}/`. */
type InvocationOperation = 'invocations' | 'ping' | 'health' | 'version';

const path = /^\/endpoints\/[^/?#]+\/(invocations|ping|health|version)\/?(?:[?#]|$)/;

/** What an address asks of this face; undefined where it belongs to somebody else. */
export function invocationOperation(url: string): InvocationOperation | undefined {
  return path.exec(url)?.[1] as InvocationOperation | undefined;
}

/** MLflow's names for what went wrong. Source: `mlflow.exceptions` and the scoring server of `mlflow models serve`. */
const errorCodes: Readonly<Record<ErrorKind, string>> = {
  invalid: 'BAD_REQUEST',
  too_large: 'BAD_REQUEST',
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  conflict: 'RESOURCE_CONFLICT',
  failed_precondition: 'INVALID_STATE',
  exhausted: 'REQUEST_LIMIT_EXCEEDED',
  deadline_exceeded: 'DEADLINE_EXCEEDED',
  unavailable: 'TEMPORARILY_UNAVAILABLE',
  unimplemented: 'NOT_IMPLEMENTED',
  internal: 'INTERNAL_ERROR',
};

/** Errors as MLflow's clients read them; without the stack trace that its own server adds. */
export const renderInvocationError: ErrorRenderer = (error) => {
  // Of the content type it says so in plain text.
  if (error.code === 'unsupported_media_type') return { contentType: 'text/plain', body: `${error.message}\n` };
  return {
    contentType: 'application/json',
    body: JSON.stringify({ error_code: errorCodes[error.kind], message: error.message }),
  };
};

/**
 * Answers `/endpoints/{endpoint}/invocations` and its neighbours as the scoring server of `mlflow models serve` does:
 * clients need another address, and nothing else. Rejects with what the answer is to say.
 */
export function answerInvocations(
  exchange: Exchange,
  operation: InvocationOperation,
  dependencies: FaceDependencies,
): Promise<void> | undefined {
  exchange.operation = operation;
  allowMethod(exchange, operation === 'invocations' ? 'POST' : 'GET');
  const [, name = ''] = pathSegments(exchange.request.url ?? '');
  if (operation === 'invocations')
    return invoke(exchange, callableEndpoint(exchange, name, dependencies), dependencies);
  const endpoint = visibleEndpoint(exchange, name, dependencies);
  const deployment = describedDeployment(endpoint, undefined);
  exchange.deployment = deployment;
  if (operation !== 'version' && !dependencies.readiness.deployment(deployment))
    throw new MusterError('endpoint_not_ready', `"${endpoint.name}" does not answer now`, { retryAfterSeconds: 1 });
  exchange.send(200, 'text/plain', operation === 'version' ? deployment.version : '\n');
  return undefined;
}

async function invoke(exchange: Exchange, endpoint: RoutedEndpoint, dependencies: FaceDependencies): Promise<void> {
  const isCsv = isCsvBody(exchange.request.headers['content-type']);
  const body = await readBody(exchange, { maxBytes: endpoint.bodyBytes, timeoutMs: dependencies.limits.bodyTimeoutMs });
  const deployment = dependencies.predictor.pick(endpoint, undefined);
  exchange.deployment = deployment;
  const plan = rowPlan(deployment.signature);
  let rows: Row[];
  if (isCsv) rows = readInvocationCsv(body, plan, maxRows);
  else {
    const read = readInvocationRows(body, plan, maxRows);
    if (read.kind === 'unwrapped') return await passOn(exchange, endpoint, deployment, body, dependencies);
    ({ rows } = read);
  }
  exchange.rows = rows.length;
  const place = isCsv ? (row: number) => `row ${row + 1}` : (row: number) => `row ${row}`;
  const parts = await predictRows(exchange, endpoint, deployment, plan, rows, place, dependencies, wanted(deployment));
  const answered = parts[0]?.prediction.deployment ?? deployment;
  const values = parts.flatMap((part) =>
    invocationPredictions(part.prediction.outputs, part.prediction.deployment.signature, part.rows),
  );
  exchange.send(200, 'application/json', `{"predictions": [${values.join(', ')}]}`, versionHeader(answered));
}

/** The output that the model's own `predict` gives, where it has others beside it. */
function wanted({ signature }: RoutedDeployment): readonly string[] | undefined {
  return signature.primary === undefined ? undefined : [signature.primary];
}

/** The body is the document that the model takes, and the document that it gives is the answer. */
async function passOn(
  exchange: Exchange,
  endpoint: RoutedEndpoint,
  deployment: RoutedDeployment,
  body: Uint8Array,
  { predictor }: FaceDependencies,
): Promise<void> {
  const [input, second] = deployment.signature.inputs;
  if (input?.isJson !== true || second !== undefined)
    throw new MusterError('invalid_rows', `"${endpoint.name}" takes rows, not a prompt or messages`, {
      place: 'body',
      remedy: `GET /predict/${endpoint.name} shows what it takes.`,
    });
  const tensor = {
    name: input.name,
    datatype: input.datatype,
    shape: [1],
    bytes: packByteElements([body]),
    parameters: noParameters,
  };
  const { inputs, rows } = bindInputs([tensor], deployment.signature, 1);
  exchange.rows = 1;
  const prediction = await predictor.predict({
    endpoint,
    deployment,
    inputs,
    outputs: wanted(deployment),
    rows,
    deadlineMs: performance.now() + endpoint.timeoutMs,
    cancellation: exchange,
    parameters: noParameters,
    requestId: exchange.requestId,
  });
  exchange.deployment = prediction.deployment;
  exchange.runMicros = prediction.runMicros;
  exchange.queueMicros = prediction.queueMicros;
  exchange.send(
    200,
    'application/json',
    documentOf(prediction.outputs, prediction.deployment),
    versionHeader(prediction.deployment),
  );
}

function documentOf(outputs: readonly Tensor[], { signature }: RoutedDeployment): string {
  const [output] = outputs;
  if (output !== undefined && outputs.length === 1) {
    const isJson = signature.outputs.some(({ name, isJson: is }) => name === output.name && is === true);
    const [text] = isJson ? tensorTexts(output) : [];
    if (text !== undefined) return text;
  }
  return `{"predictions": [${invocationPredictions(outputs, signature, 1).join(', ')}]}`;
}

function versionHeader({ version }: RoutedDeployment): readonly string[] {
  return ['X-Muster-Version', version];
}

/** JSON or CSV, with no parameter but the charset. */
function isCsvBody(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').split(';').map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every((parameter) => /^charset="?utf-8"?$/.test(parameter) || parameter === '');
  if (type === 'application/json' && isUtf8) return false;
  if (type === 'text/csv' && isUtf8) return true;
  throw new MusterError(
    'unsupported_media_type',
    isUtf8
      ? "This predictor only supports the following content types: 'text/csv', 'application/json'"
      : "The only parameter of the content type may be 'charset=utf-8'",
    { place: 'Content-Type', details: { accept: 'application/json, text/csv' } },
  );
}
