import { MusterError, type Operation, toProblem } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { sendJson, startAnsweringServer } from '../test-support/answering-server.ts';
import { createClient } from './client.ts';

const running: Operation = {
  id: 'op 1',
  kind: 'deploy',
  subject: 'endpoint/fraud',
  state: 'running',
  progress: 'begun',
  result: null,
  problem: null,
  createdAt: '2026-11-24T12:00:00.000Z',
  createdBy: 'ana',
  finishedAt: null,
};

async function thrownBy(work: Promise<unknown>): Promise<MusterError> {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (thrown instanceof MusterError) return thrown;
  throw new Error('nothing that Muster throws was thrown', { cause: thrown });
}

describe('a call', () => {
  test('fills path and query, and carries token, revision, key and body', async () => {
    await using server = await startAnsweringServer((_request, response) => sendJson(response, { items: [] }));
    const client = createClient({ url: `${server.url}/`, token: 'secret', userAgent: 'test/1' });
    await client.call('versionList', { params: { model: 'Fraud & Söhne' }, query: { limit: 10 } });
    await client.call('endpointUpdate', {
      params: { endpoint: 'fraud' },
      body: { description: 'x' },
      ifMatch: 7,
      idempotencyKey: 'k',
    });
    expect(server.arrived).toMatchObject([
      {
        method: 'GET',
        url: '/api/v1/models/Fraud%20%26%20S%C3%B6hne/versions?limit=10',
        headers: { authorization: 'Bearer secret', 'user-agent': 'test/1' },
      },
      { method: 'PATCH', headers: { 'if-match': '"7"', 'idempotency-key': 'k', 'content-type': 'application/json' } },
    ]);
    expect(server.arrived[1]?.body.toString()).toBe('{"description":"x"}');
  });

  test('a path parameter cannot leave its segment', async () => {
    await using server = await startAnsweringServer((_request, response) => sendJson(response, {}));
    await createClient({ url: server.url }).call('modelGet', { params: { model: 'a/../../b?c#d' } });
    expect(server.arrived[0]?.url).toBe('/api/v1/models/a%2F..%2F..%2Fb%3Fc%23d');
  });

  test.each(['.', '..', '%2e%2E'])('a name that is a step in a path is not sent: %s', async (name) => {
    const client = createClient({ url: 'http://localhost:1' });
    for (const attempt of [
      client.call('deploymentEnd', { params: { endpoint: 'fraud', deployment: decodeURIComponent(name) } }),
      client.request(`/predict/${name}`),
    ])
      await expect(attempt).rejects.toMatchObject({ code: 'invalid_request' });
  });

  test('throws the error that the server answered with, and the id of the request', async () => {
    const error = new MusterError('signature_breaks_callers', 'it would break', {
      place: 'body.version',
      details: { differences: ['x'] },
      remedy: 'Do not.',
    });
    await using server = await startAnsweringServer((_request, response) =>
      sendJson(response, toProblem(error, 'r-1'), 409),
    );
    expect(await thrownBy(createClient({ url: server.url }).call('status'))).toMatchObject({
      code: 'signature_breaks_callers',
      kind: 'conflict',
      message: 'it would break',
      place: 'body.version',
      details: { differences: ['x'] },
      remedy: 'Do not.',
      requestId: 'r-1',
    });
  });

  test('an error that only a newer server knows keeps its kind and its words', async () => {
    const problem = {
      type: 'urn:x',
      code: 'of_the_future',
      title: 'New',
      status: 403,
      detail: 'not you',
      remedy: 'Ask.',
    };
    await using server = await startAnsweringServer((_request, response) =>
      sendJson(response, problem, 403, { 'x-request-id': 'r-2' }),
    );
    expect(await thrownBy(createClient({ url: server.url }).call('status'))).toMatchObject({
      kind: 'forbidden',
      message: 'not you',
      remedy: 'Ask.',
      requestId: 'r-2',
    });
  });

  test.each([
    [401, '{"error": "no"}', 'unauthenticated', 'no'],
    [429, '{"error": "full"}', 'exhausted', 'full'],
    [502, '<html>Bad gateway</html>', 'unavailable', '<html>Bad gateway</html>'],
    [418, '', 'internal', 'the server answered 418'],
  ])('an error of status %i in another form than ours is still one of ours', async (status, body, kind, message) => {
    await using server = await startAnsweringServer((_request, response) => response.writeHead(status).end(body));
    expect(await thrownBy(createClient({ url: server.url }).call('status'))).toMatchObject({ kind, message });
  });

  test('nobody there, and somebody who is not Muster, are told apart', async () => {
    expect(await thrownBy(createClient({ url: 'http://127.0.0.1:2' }).call('status'))).toMatchObject({
      code: 'server_unreachable',
      message: expect.stringContaining('ECONNREFUSED') as unknown,
    });
    await using other = await startAnsweringServer((_request, response) => response.end('<html>It works!</html>'));
    expect(await thrownBy(createClient({ url: other.url }).call('status'))).toMatchObject({
      code: 'server_unreachable',
      message: expect.stringContaining('not as Muster does') as unknown,
    });
  });

  test('a server that accepts and says nothing is given up in time', async () => {
    await using silent = await startAnsweringServer(() => {});
    expect(await thrownBy(createClient({ url: silent.url, timeoutMs: 50 }).call('status'))).toMatchObject({
      code: 'server_unreachable',
      message: expect.stringContaining('no answer within 0.05 s') as unknown,
    });
  });

  test('the token does not follow a redirect to somewhere else', async () => {
    await using elsewhere = await startAnsweringServer((_request, response) => sendJson(response, {}));
    await using server = await startAnsweringServer((_request, response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    await thrownBy(createClient({ url: server.url, token: 'secret' }).call('status'));
    expect(elsewhere.arrived).toEqual([]);
  });
});

describe('following an operation', () => {
  const done: Operation = { ...running, state: 'succeeded', progress: 'done' };
  const event = (operation: Operation): string => `: comment\nid: 1\ndata: ${JSON.stringify(operation)}\n\n`;

  test('shows each state and ends with the last', async () => {
    await using server = await startAnsweringServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const text = event({ ...running, progress: 'lädt' }) + event(done);
      // Cut anywhere, even within a character.
      const bytes = Buffer.from(text);
      const cut = bytes.indexOf('ä') + 1;
      response.write(bytes.subarray(0, cut));
      setImmediate(() => response.end(bytes.subarray(cut)));
    });
    const seen: string[] = [];
    const ended = await createClient({ url: server.url }).follow(running, {
      onChange: ({ progress }) => seen.push(progress),
    });
    expect(ended).toEqual(done);
    expect(seen).toEqual(['lädt', 'done']);
    expect(server.arrived[0]?.url).toBe('/api/v1/operations/op%201/events');
  });

  test('goes on when the stream breaks, and when the server is away for a moment', async () => {
    let calls = 0;
    await using server = await startAnsweringServer((request, response) => {
      calls += 1;
      if (calls === 1) return void response.writeHead(200).write(event(running), () => response.destroy());
      if (calls === 2) return sendJson(response, toProblem(new MusterError('control_unavailable', 'restarting')), 503);
      if (request.url.endsWith('/events')) return void response.writeHead(200).end('');
      return sendJson(response, done);
    });
    expect(await createClient({ url: server.url }).follow(running)).toEqual(done);
  });

  test('ends with an error that does not pass', async () => {
    await using server = await startAnsweringServer((_request, response) =>
      sendJson(response, toProblem(new MusterError('operation_not_found', 'gone')), 404),
    );
    expect(await thrownBy(createClient({ url: server.url }).follow(running))).toMatchObject({
      code: 'operation_not_found',
    });
  });

  test('ends at once when nobody waits any more', async () => {
    await using server = await startAnsweringServer(
      (_request, response) => void response.writeHead(200).write(event(running)),
    );
    const stop = new AbortController();
    const following = createClient({ url: server.url }).follow(running, {
      onChange: () => stop.abort(),
      signal: stop.signal,
    });
    await expect(following).rejects.toMatchObject({ name: 'AbortError' });
  });
});
