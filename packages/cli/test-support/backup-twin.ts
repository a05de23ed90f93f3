import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Backup, type ErrorCode, MusterError, type Operation, toProblem } from '@muster-ml/protocol';

/** A server that has backups and nothing else, from memory. */
export interface BackupTwin {
  readonly url: string;
  readonly token: string;
  backups: readonly Backup[];
  /** The next call answers with this error. */
  failure: ErrorCode | undefined;
  close(): Promise<void>;
}

export const twinBackup: Backup = {
  name: '2026-11-30T10-00-00-000Z',
  path: '/backup/2026-11-30T10-00-00-000Z',
  madeAt: '2026-11-30T10:00:00.000Z',
  version: '0.1.0',
  database: 'sqlite',
  databaseBytes: 2048,
  objects: { count: 3, bytes: 3_145_728 },
  ledger: { size: 41, root: 'cm9vdA==' },
};

const operation: Operation = {
  id: 'o1',
  kind: 'backup',
  subject: `backup/${twinBackup.name}`,
  state: 'succeeded',
  progress: '',
  result: { backup: twinBackup },
  problem: null,
  createdAt: twinBackup.madeAt,
  createdBy: 'a1',
  finishedAt: twinBackup.madeAt,
};

export async function startBackupTwin(): Promise<BackupTwin> {
  const server = createServer((request, response) => {
    const json = (status: number, body: unknown): void => {
      const type = status < 400 ? 'application/json' : 'application/problem+json';
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
    };
    if (twin.failure !== undefined) {
      const problem = toProblem(new MusterError(twin.failure, 'it is as it is'));
      return json(problem.status, problem);
    }
    const path = new URL(request.url ?? '/', 'http://twin').pathname;
    if (path === '/api/v1/backups' && request.method === 'POST') return json(202, operation);
    if (path === '/api/v1/backups') return json(200, { items: twin.backups });
    if (path === '/api/v1/operations/o1') return json(200, operation);
    return json(404, toProblem(new MusterError('route_not_found', path)));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const twin: BackupTwin = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: 'twin-token-1234567890',
    backups: [twinBackup],
    failure: undefined,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
  return twin;
}
