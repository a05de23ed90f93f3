import { MusterError, type Operation, type PlatformRole, type Role } from '@muster-ml/protocol';
import { type Audit, createAudit } from '../src/audit/index.ts';
import type { AuditParts } from '../src/audit/parts.ts';
import type { Actor, Caller, TokenLimits } from '../src/identity/actor.ts';
import { decide, scopeOf } from '../src/identity/decide.ts';
import {
  type Checkpoint,
  type KeptLedgerRecords,
  type LedgerRecords,
  type NewEntry,
  type VerificationReport,
  type VerifyOptions,
  createLedger,
} from '../src/ledger/index.ts';
import { readEntries } from '../src/ledger/read-entries.ts';
import { createIds, systemClock } from '../src/platform/clock/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type Operations, createOperations } from '../src/platform/operations/index.ts';

/** The audit room on a real database, with a ledger whose entries are real and whose tree is a twin. */
export interface AuditRoom {
  readonly audit: Audit;
  readonly operations: Operations;
  readonly records: RecordsTwin;
  /** Appends an entry; what is not given is of no interest. */
  append(entry: Partial<NewEntry>): Promise<number>;
  ended(operation: Operation): Promise<Operation>;
  /** Another process on the same data, after this one was drained. */
  restart(): Promise<AuditRoom>;
  close(): Promise<void>;
}

/** What a test sees and steers of proving and verifying. */
export interface RecordsTwin extends LedgerRecords, Pick<KeptLedgerRecords, 'rotateKey'> {
  readonly verified: VerifyOptions[];
  all: LedgerRecords['all'];
  /** What a verification waits for. */
  held: Promise<void>;
}

export const twinReport: VerificationReport = {
  outcome: 'ok',
  size: 3,
  anchored: 2,
  firstBad: null,
  findings: [],
  outside: [{ source: 'file', size: 2 }],
};

const names: Readonly<Record<string, string>> = { alice: 'Alice', bob: 'Bob' };

/** A caller by roles in teams and in the installation. */
export function auditCaller(
  id: string,
  teams: Readonly<Record<string, readonly Role[]>>,
  more: { readonly platformRoles?: readonly PlatformRole[]; readonly limits?: Partial<TokenLimits> } = {},
): Caller {
  const token: TokenLimits = { id: `t-${id}`, expiresAt: null, actions: null, resources: null, ...more.limits };
  const actor: Actor = {
    id,
    kind: 'person',
    name: names[id] ?? id,
    teams,
    platformRoles: more.platformRoles ?? [],
    granted: [],
    token,
  };
  return { actor, requestId: `r-${id}` };
}

const circumstances = { isProduction: true };

/** Decides by the real matrix, without anybody in a database. */
const identityTwin: AuditParts['identity'] = {
  authorize({ actor }, action, resource) {
    const { allow, visible, reasons } = decide(actor, action, resource, circumstances);
    if (allow) return;
    throw !visible && resource.missing !== undefined
      ? resource.missing()
      : new MusterError('not_allowed', reasons.join('; '));
  },
  scope: ({ actor }, action) => scopeOf(actor, action, circumstances),
  namesOf: async (ids) =>
    await Promise.resolve(new Map(ids.flatMap((id) => (names[id] === undefined ? [] : [[id, names[id]]])))),
  actorId: async (reference) => {
    const found = Object.entries(names).find(([id, name]) => id === reference || name === reference);
    if (found === undefined) throw new MusterError('actor_not_found', `there is no actor ${reference}`);
    return await Promise.resolve(found[0]);
  },
};

export async function openAuditRoom(database: Database): Promise<AuditRoom> {
  const newId = createIds(systemClock);
  const operations = createOperations({ database, clock: systemClock, newId });
  const ledger = createLedger({ clock: systemClock });
  const records = createRecordsTwin(database);
  const audit = createAudit({ database, identity: identityTwin, ledger, records, operations });
  await audit.resume();
  return {
    audit,
    operations,
    records,
    append: async (entry) =>
      await database.inTransaction(
        async (tx) =>
          await ledger.append(tx, {
            actor: { kind: 'person', id: 'alice' },
            action: 'endpoint.deploy',
            subject: { kind: 'endpoint', id: 'fraud' },
            team: 'risk',
            outcome: 'allowed',
            request: 'r1',
            ...entry,
          }),
      ),
    async ended(operation) {
      let last = operation;
      for await (const now of operations.watch(operation.id, AbortSignal.timeout(20_000))) last = now;
      return last;
    },
    async restart() {
      await operations.drain();
      return await openAuditRoom(database);
    },
    close: async () => await operations.drain(),
  };
}

function createRecordsTwin(database: Database): RecordsTwin {
  const keys = ['key'];
  const entries = readEntries(database);
  const made: Checkpoint[] = [];
  const twin: RecordsTwin = {
    ...entries,
    verified: [],
    held: Promise.resolve(),
    async checkpoint() {
      const [last] = await entries.search({ visible: '*' }, { limit: 1 });
      if (last === undefined) return undefined;
      const size = last.seq + 1;
      const published = [{ sink: 'file', at: 5, ok: true }];
      made.unshift({ size, note: `muster/twin\n${size}\n`, at: 5, published });
      return made[0];
    },
    checkpoints: async (limit) => await Promise.resolve(made.slice(0, limit)),
    async prove(seq) {
      const [entry] = await entries.search({ visible: '*' }, { before: seq + 1, limit: 1 });
      if (made.every(({ size }) => size <= seq)) throw new MusterError('entry_not_anchored', `entry ${seq} is new`);
      return { seq, body: entry?.body ?? '', path: ['AAAA'], note: made[0]?.note ?? '', keys: ['key'] };
    },
    async verify(options) {
      twin.verified.push(options);
      options.onProgress?.(1000, 2000);
      await twin.held;
      options.signal?.throwIfAborted();
      return twinReport;
    },
    keys: async () => await Promise.resolve({ origin: 'muster/twin', keys: [...keys] }),
    rotateKey: async () => await Promise.resolve(void keys.push('newer key')),
    anchorAgeMs: async () => await Promise.resolve(0),
  };
  return twin;
}

/** Callers of every kind, by the `authorization` that they send. */
export const auditCallers = {
  auditor: auditCaller('carol', {}, { platformRoles: ['auditor'] }),
  admin: auditCaller('dora', {}, { platformRoles: ['admin'] }),
  operator: auditCaller('bob', { risk: ['operator'] }),
  scientist: auditCaller('alice', { risk: ['data-scientist'], ads: ['data-scientist'] }),
  viewer: auditCaller('eve', { risk: ['viewer'] }),
  stranger: auditCaller('mallory', {}),
  limited: auditCaller('bob', { risk: ['operator'], ads: ['operator'] }, { limits: { resources: ['team/ads'] } }),
};

/** By alice in risk, bob in ads, the system in no team, mallory in risk (about bob), bob in no team. */
export async function fillAudit(room: AuditRoom): Promise<void> {
  await room.append({ actor: { kind: 'person', id: 'alice', token: 't9' }, team: 'risk', ctx: { version: 3 } });
  await room.append({ actor: { kind: 'person', id: 'bob' }, team: 'ads', action: 'endpoint.rollback' });
  await room.append({ actor: { kind: 'system', id: 'supervisor' }, team: null, action: 'system.first-start' });
  const aboutBob = { kind: 'actor', id: 'bob' };
  await room.append({ actor: { kind: 'person', id: 'mallory' }, team: 'risk', subject: aboutBob, outcome: 'denied' });
  await room.append({ actor: { kind: 'person', id: 'bob' }, team: null });
}
