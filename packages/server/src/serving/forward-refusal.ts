import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MusterError } from '@muster-ml/protocol';
import { renderForCaller } from './caller-error.ts';

/** What is read of a body behind an early answer: simple callers send all of it before they look at the answer. */
const lingerMs = 5000;
const lingerBytes = 64 * 1024 * 1024;

/** Answers with an error, in the form of the protocol that the path belongs to, and gives the status of it. */
export function refuseRequest(
  request: IncomingMessage,
  response: ServerResponse,
  error: MusterError,
  requestId: string,
): number {
  const { status, contentType, body } = renderForCaller(request.url ?? '', error, requestId);
  const headers = [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'X-Request-Id',
    requestId,
  ];
  if (error.retryAfterSeconds !== undefined)
    headers.push('Retry-After', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
  const isUnread = !request.complete;
  if (isUnread) headers.push('Connection', 'close');
  response.writeHead(status, headers);
  if (isUnread) {
    response.write(body);
    linger(request, response);
  } else response.end(body);
  return status;
}

/** Closes only after reading on for a while behind an answer that is whole, so that the caller sees it and not a reset. */
export function linger(request: IncomingMessage, response: ServerResponse): void {
  let read = 0;
  const close = (): void => {
    clearTimeout(timer);
    if (!response.writableEnded) response.end();
  };
  const timer = setTimeout(close, lingerMs);
  request.unpipe();
  request.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > lingerBytes) close();
  });
  request.once('end', close);
  request.once('close', close);
  request.resume();
}
