import {
  type InferOptions,
  type InferRequest,
  type Tensor,
  bindInputs,
  checkOutputs,
  inferOptions,
  rawInferRequest,
  readHeaderLength,
  readInferBody,
  requestedOutputNames,
  wantsBinary,
  writeInferResponse,
} from '@muster-ml/protocol';
import { bodyMemory } from '../body-memory.ts';
import type { FaceDependencies } from '../faces.ts';
import { compressBody, preferredCoding } from '../http/content-coding.ts';
import type { Exchange } from '../http/exchange.ts';
import { readBody } from '../http/read-body.ts';
import type { RoutedEndpoint } from '../routing-table.ts';

/** Smaller answers than this are not worth compressing. */
const minCompressedBytes = 2048;

/** `POST /v2/models/{m}[/versions/{version}]/infer`: body → tensors → prediction → answer. */
export async function infer(
  exchange: Exchange,
  endpoint: RoutedEndpoint,
  version: string | undefined,
  dependencies: FaceDependencies,
): Promise<void> {
  const { predictor, limits } = dependencies;
  // A version that is not there or a quarantined one is refused before the body is read; the choice itself comes after.
  if (version !== undefined) predictor.pick(endpoint, version);
  const body = await readBody(exchange, { maxBytes: endpoint.bodyBytes, timeoutMs: limits.bodyTimeoutMs });
  const startedMs = performance.now();

  const deployment = predictor.pick(endpoint, version);
  exchange.deployment = deployment;
  const header = exchange.request.headers['inference-header-content-length'];
  const headerLength = readHeaderLength(Array.isArray(header) ? header.join(',') : header, body.length);
  const isRaw = headerLength === 0;
  const request = isRaw ? rawInferRequest(body, deployment.signature) : readInferBody(body, headerLength);
  const options = inferOptions(request.parameters);
  const outputs = requestedOutputNames(request);
  checkOutputs(outputs, deployment.signature);
  const { inputs, rows } = bindInputs(request.inputs, deployment.signature, deployment.maxRequestRows ?? Infinity);
  exchange.rows = rows ?? 1;

  const timeoutMs =
    options.timeoutMicros === undefined
      ? endpoint.timeoutMs
      : Math.min(endpoint.timeoutMs, options.timeoutMicros / 1000);
  const prediction = await predictor.predict({
    endpoint,
    deployment,
    inputs,
    outputs,
    rows,
    deadlineMs: startedMs + timeoutMs,
    cancellation: exchange,
    parameters: options.modelParameters,
    memory: bodyMemory(body),
    requestId: exchange.requestId,
    version,
  });

  exchange.deployment = prediction.deployment;
  exchange.runMicros = prediction.runMicros;
  exchange.queueMicros = prediction.queueMicros;
  const binary = binaryForms(request, options, prediction.outputs, isRaw);
  const { json, sections } = writeInferResponse({
    modelName: endpoint.name,
    modelVersion: prediction.deployment.version,
    id: request.id,
    outputs: prediction.outputs,
    specs: prediction.deployment.signature.outputs,
    binary,
  });
  return answer(exchange, json, sections, prediction.deployment.version);
}

/** Which outputs the caller wants as binary: its own word for each, else for all, else JSON (binary for a raw request). */
function binaryForms(
  request: InferRequest,
  options: InferOptions,
  outputs: readonly Tensor[],
  isRaw: boolean,
): boolean[] | undefined {
  if (request.outputs.length === 0) {
    const isBinary = options.isBinaryOutput ?? isRaw;
    return isBinary ? outputs.map(() => true) : undefined;
  }
  return request.outputs.map((output) => wantsBinary(output.parameters, options, isRaw));
}

function answer(
  exchange: Exchange,
  json: string,
  sections: readonly Uint8Array[],
  version: string,
): Promise<void> | undefined {
  const headers = ['X-Muster-Version', version];
  let contentType = 'application/json';
  let body: string | Uint8Array = json;
  if (sections.length > 0) {
    const text = Buffer.from(json);
    headers.push('Inference-Header-Content-Length', String(text.length));
    contentType = 'application/octet-stream';
    body = Buffer.concat([text, ...sections]);
  }
  const accepted = exchange.request.headers['accept-encoding'];
  if (typeof accepted === 'string' && body.length >= minCompressedBytes) {
    const coding = preferredCoding(accepted);
    if (coding !== undefined) {
      headers.push('Content-Encoding', coding, 'Vary', 'Accept-Encoding');
      return compressBody(typeof body === 'string' ? Buffer.from(body) : body, coding).then((compressed) =>
        exchange.send(200, contentType, compressed, headers),
      );
    }
  }
  exchange.send(200, contentType, body, headers);
  return undefined;
}
