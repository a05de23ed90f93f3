import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AuditEntry,
  type ErrorCode,
  type LedgerVerification,
  MusterError,
  type Operation,
  auditQuerySchema,
  toProblem,
  verifyLedgerSchema,
} from '@muster-ml/protocol';

/** A server that has a ledger and nothing else, from memory. */
export interface AuditTwin {
  readonly url: string;
  readonly token: string;
  /** Queries of searches and bodies of verifications, as they came in. */
  readonly seen: unknown[];
  /** What the next verifications find. */
  report: LedgerVerification;
  /** Every call answers with this error. */
  failure: ErrorCode | undefined;
  /** Ends the export in its middle. */
  breaksOff: boolean;
  /** What the checkpoint's second sink says; it fails where this is a text. */
  webhook: string | null;
  close(): Promise<void>;
}

const at = '2026-11-30T10:00:00.000Z';

/** Entry `seq` of the twin: even ones by ana, odd ones by somebody who is no more. */
export function twinEntry(seq: number): AuditEntry {
  return {
    seq,
    at,
    actor: { kind: 'person', id: `a${seq % 2}`, token: 't1', name: seq % 2 === 0 ? 'ana' : null },
    action: 'endpoint.deploy',
    subject: { kind: 'endpoint', id: 'fraud', name: null },
    team: 'default',
    outcome: 'allowed',
    request: `r${seq}`,
    before: null,
    after: 'ab'.repeat(32),
    ctx: { model: 'fraud', version: 3 },
    damage: seq === 7 ? 'the body is that of entry 6' : null,
    body: `{"seq":${seq}}`,
  };
}

export const twinNote = 'muster/twin\n120\nAAAA\n\n— muster/twin BBBB\n';

const exported = '{"format":"muster-ledger-export/1","origin":"muster/twin","keys":["k"]}\n{"seq":0,"body":"{}"}\n';

export async function startAuditTwin(): Promise<AuditTwin> {
  const token = 'twin-token-1234567890';
  const entries = Array.from({ length: 120 }, (_, index) => twinEntry(119 - index));
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://twin');
    const json = (content: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(content));
    };
    const problem = (code: ErrorCode, message: string): void => {
      const shown = toProblem(new MusterError(code, message), 'request-1');
      json(shown, shown.status);
    };
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (twin.failure !== undefined) return problem(twin.failure, 'it is so');
    const [, , , , what, seq, proof] = url.pathname.split('/');
    if (url.pathname.startsWith('/api/v1/operations/')) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${JSON.stringify({ ...operation, progress: 'checked 60 of 120 entries' })}\n\n`);
      return void response.end(
        `data: ${JSON.stringify({ ...operation, state: 'succeeded', result: twin.report, finishedAt: at })}\n\n`,
      );
    }
    if (what === 'entries' && seq === undefined) {
      const query = auditQuerySchema.parse(Object.fromEntries(url.searchParams));
      twin.seen.push(query);
      const before = query.after === undefined ? 120 : Number(query.after);
      const items = entries.filter((entry) => entry.seq < before).slice(0, query.limit);
      const last = items.at(-1)?.seq ?? 0;
      return json(last > 0 ? { items, next: String(last) } : { items });
    }
    if (what === 'entries' && Number(seq) >= entries.length)
      return problem('entry_not_found', `there is no entry ${seq}`);
    if (what === 'entries' && proof !== undefined)
      return json({ seq: Number(seq), body: '{}', path: ['AAAA'], note: twinNote, keys: ['k'] });
    if (what === 'entries') return json(twinEntry(Number(seq)));
    if (what === 'keys' && request.method === 'POST') {
      json({ origin: 'muster/twin', keys: ['key', 'newer key'] });
      return;
    }
    if (what === 'checkpoint') {
      const webhook = { sink: 'webhook', at, ok: twin.webhook === null, detail: twin.webhook };
      return json({
        size: 120,
        note: twinNote,
        at,
        published: [{ sink: 'file', at, ok: true, detail: null }, webhook],
      });
    }
    if (what === 'verify') {
      twin.seen.push(verifyLedgerSchema.parse(JSON.parse(body)));
      return json(operation, 202);
    }
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    if (!twin.breaksOff) return void response.end(exported);
    response.write(exported.slice(0, 70), () => response.destroy());
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const twin: AuditTwin = {
    url: `http://localhost:${port}`,
    token,
    seen: [],
    report: { outcome: 'ok', size: 120, anchored: 119, firstBad: null, findings: [], outside: [] },
    failure: undefined,
    breaksOff: false,
    webhook: null,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
  return twin;
}

const operation: Operation = {
  id: 'op1',
  kind: 'verify-ledger',
  subject: 'installation/ledger',
  state: 'running',
  progress: 'waiting for its turn',
  result: null,
  problem: null,
  createdAt: at,
  createdBy: 'ana',
  finishedAt: null,
};
