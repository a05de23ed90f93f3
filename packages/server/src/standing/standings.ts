import { MusterError } from '@muster-ml/protocol';
import type { Identity } from '../identity/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { Notify } from '../notifications/index.ts';
import type { NewId } from '../platform/clock/index.ts';
import type { Database, Tx } from '../platform/database/index.ts';
import type { StandingChange, StandingRecord, Standings } from './contract.ts';
import { noticeOf } from './notices.ts';
import { standingStore as store } from './store.ts';

export interface StandingsParts {
  readonly database: Database;
  readonly ledger: Ledger;
  readonly identity: Pick<Identity, 'accessChanged'>;
  readonly notify: Notify;
  /** Only in `prod` does standing bind. */
  readonly environment: string;
  readonly newId: NewId;
}

/** Which endpoints are in production. Who may decide so is the business of readiness; here it is remembered, and binds. */
export function createStandings(parts: StandingsParts): Standings {
  const { database, ledger, identity, notify, newId } = parts;
  const binds = parts.environment === 'prod';

  return {
    of: async (endpointIds, tx) => await store.of(tx ?? database.reader, endpointIds),

    async change(tx, change) {
      // First of all, and before the ledger: writers of standings and of rights wait for each other here.
      await identity.accessChanged(tx);
      const { endpoint } = change;
      const before = (await store.of(tx, [endpoint.id])).get(endpoint.id);
      const entry = await ledger.append(tx, {
        actor: change.actor,
        action: change.action,
        subject: { kind: 'endpoint', id: endpoint.name },
        team: endpoint.team,
        outcome: 'allowed',
        request: change.request,
        ctx: { endpoint: endpoint.id, model: change.model, version: change.version, ...change.ctx },
      });
      if (change.becomes !== undefined) await store.put(tx, nextRecord(before, change, change.becomes));
      await store.addEvent(tx, {
        id: newId(),
        endpoint: endpoint.id,
        at: change.at,
        what: change.what,
        reasons: JSON.stringify(change.reasons),
        model: change.model,
        version: change.version,
        actor: change.actor.kind === 'system' ? null : change.actor.id,
        entry,
      });
      const notice = noticeOf(change);
      if (notice !== undefined) await notify(tx, notice);
      return entry;
    },

    async refuseLive(tx, { endpoint, model, version, servedDigest }) {
      if (!binds || !(await hasStood(tx, endpoint.id))) return;
      if ((await store.approved(tx, endpoint.id, servedDigest)) !== undefined) return;
      const approved = await store.approved(tx, endpoint.id);
      const what = `${model}:${version}`;
      const isKnown = approved?.model === model && approved.version === version;
      throw new MusterError(
        'standing_required',
        isKnown
          ? `${what} was approved for ${endpoint.name} as it was served then, and these settings are others`
          : `nobody has approved ${what} for ${endpoint.name}${approved === undefined ? '' : `, where ${approved.model}:${approved.version} was approved`}`,
        {
          remedy: `muster deploy ${what} --name ${endpoint.name} --shadow, then muster submit ${endpoint.name} --number ${version}; once it is approved: muster promote ${endpoint.name}`,
        },
      );
    },

    async refuseNewCallers(tx, endpointName) {
      if (!binds) return;
      const record = await store.ofName(tx, endpointName);
      if (record?.state !== 'lapsed') return;
      throw new MusterError('standing_lapsed', `${endpointName} lost its standing: ${record.reasons.join('; ')}`, {
        remedy: `Close the gaps first: muster check ${endpointName}.`,
      });
    },

    async heldBack() {
      if (!binds) return new Map();
      const found = await store.neverStood(database.reader);
      return new Map(found.map(({ name, team }) => [name, team]));
    },
  };

  async function hasStood(tx: Tx, endpointId: string): Promise<boolean> {
    return ((await store.of(tx, [endpointId])).get(endpointId)?.firstAt ?? null) !== null;
  }
}

function nextRecord(
  before: StandingRecord | undefined,
  { endpoint, at }: StandingChange,
  becomes: NonNullable<StandingChange['becomes']>,
): StandingRecord {
  const firstAt = before?.firstAt ?? (becomes.state === 'in production' ? at : null);
  return { ...becomes, endpointId: endpoint.id, firstAt };
}
