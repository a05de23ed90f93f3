import { MusterError, type RouteName } from '@muster-ml/protocol';
import type { LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { type IdentityRoom, createIdentity, identityRoutes, tokenInHeader } from '../src/identity/index.ts';
import type { Caller, Handlers } from '../src/identity/index.ts';
import { createLedger } from '../src/ledger/index.ts';
import { createIds } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { createApiServer } from '../src/platform/http/index.ts';
import { openTestDatabase } from './database.ts';

export const dayMs = 86_400_000;

interface Entry {
  readonly action: string;
  readonly outcome: string;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly subject: { readonly kind: string; readonly id: string };
  readonly ctx: Readonly<Record<string, unknown>>;
}

/** Identity on a real database, with its routes, real authentication and a clock that the test moves. */
export interface OpenIdentityRoom {
  readonly room: IdentityRoom;
  readonly database: Database;
  /** The first admin's token. */
  readonly admin: string;
  /** Endpoints that are there, by name, with their teams. */
  readonly endpoints: Map<string, string>;
  /** Endpoints that are held back, by name, with their teams. */
  readonly heldBack: Map<string, string>;
  /** Endpoints that take no new callers. */
  readonly takesNoCallers: Set<string>;
  now: number;
  call(
    token: string | undefined,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
  ): Promise<LightMyRequestResponse>;
  /** The answer's JSON, of a call that must succeed. */
  get<T>(token: string, path: string): Promise<T>;
  /** Adds an actor with roles (`role`, or `role@team`) and a token. */
  add(name: string, ...roles: readonly string[]): Promise<string>;
  callerOf(token: string): Promise<Caller>;
  entries(): Promise<readonly Entry[]>;
  close(): Promise<void>;
}

export async function openIdentityRoom(
  kind: Database['kind'],
  options: { readonly environment?: string } = {},
): Promise<OpenIdentityRoom> {
  const opened = await openTestDatabase(kind);
  const { database } = opened;
  const clock = { now: () => open.now, after: () => () => undefined };
  const newId = createIds(clock);
  const room = createIdentity({
    database,
    ledger: createLedger({ clock }),
    clock,
    newId,
    environment: options.environment ?? 'dev',
    heldBack: async () => await Promise.resolve(open.heldBack),
  });
  const endpoints = new Map<string, string>();
  const app = createApiServer<Caller>({
    authenticate: async (authorization, requestId) => ({
      actor: await room.authenticate(tokenInHeader(authorization)),
      requestId,
    }),
    callerId: (caller) => caller.actor.id,
    handlers: identityRoutes(room, {
      endpoints: {
        team: async (name) => await Promise.resolve(endpoints.get(name)),
        refuseNewCallers: async (name) => {
          await Promise.resolve();
          if (open.takesNoCallers.has(name)) throw new MusterError('standing_lapsed', `${name} takes no new callers`);
        },
        missing: (name) => new MusterError('endpoint_not_found', `there is no endpoint ${name}`),
      },
      resources: {
        endpoint: async (name) => {
          const team = endpoints.get(name);
          return await Promise.resolve(team === undefined ? undefined : { team });
        },
      },
    }) as unknown as Handlers<RouteName>,
    idempotency: { once: async (_scope, answer) => await answer() },
    logger: pino({ level: 'silent' }),
  });
  const open: OpenIdentityRoom = {
    room,
    database,
    admin: '',
    endpoints,
    heldBack: new Map(),
    takesNoCallers: new Set(),
    now: 1_800_000_000_000,
    call: async (token, method, path, body) =>
      await app.inject({
        method,
        url: `/api/v1${path}`,
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
        ...(body === undefined ? {} : { payload: body }),
      }),
    async get<T>(token: string, path: string) {
      const answer = await open.call(token, 'GET', path);
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${answer.body}`);
      return answer.json<T>();
    },
    async add(name, ...roles) {
      const must = async (answer: Promise<LightMyRequestResponse>): Promise<LightMyRequestResponse> => {
        const done = await answer;
        if (done.statusCode >= 300) throw new Error(`${done.statusCode} ${done.body}`);
        return done;
      };
      await must(open.call(open.admin, 'POST', '/actors', { name }));
      for (const held of roles) {
        const [role = '', team] = held.split('@');
        const path =
          team === undefined
            ? `/actors/${name}/platform-roles/${role}`
            : `/teams/${team}/members/${name}/roles/${role}`;
        await must(open.call(open.admin, 'PUT', path));
      }
      const made = await must(open.call(open.admin, 'POST', '/tokens', { actor: name }));
      return made.json<{ token: string }>().token;
    },
    callerOf: async (token) => ({ actor: await room.authenticate(token), requestId: 'request-1' }),
    async entries() {
      const rows = await database.reader
        .withTables<{ ledger_entry: { seq: number; body: string } }>()
        .selectFrom('ledger_entry')
        .select('body')
        .orderBy('seq')
        .execute();
      return rows.map((row) => JSON.parse(row.body) as Entry);
    },
    async close() {
      await app.close();
      await opened.close();
    },
  };
  const admin = await room.ensureAdmin({ name: 'root', renew: false });
  if (admin === undefined) throw new Error('the first start made no token');
  return Object.assign(open, { admin });
}
