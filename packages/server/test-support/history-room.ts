import { type DeployRequest, type HistoryInterval, type Operation, deploySchema } from '@muster-ml/protocol';
import { type History, createHistory } from '../src/history/history.ts';
import type { HistoryParts } from '../src/history/parts.ts';
import type { Caller } from '../src/identity/index.ts';
import type { Database } from '../src/platform/database/index.ts';
import { type DeploymentsRoom, callerOf, openDeploymentsRoom } from './deployments/deployments-room.ts';
import { decidingIdentity } from './identity.ts';

/** The history of endpoints that are really deployed, on a real database. */
export interface HistoryRoom {
  readonly room: DeploymentsRoom;
  readonly history: History;
  /** Deploys a version of the model `m`, and waits until it has its traffic. */
  deploy(endpoint: string, version: number, more?: Partial<DeployRequest>): Promise<Operation>;
  /** A moment that nothing else happens in, in milliseconds since the epoch. */
  moment(): number;
  /** What had traffic at a moment: `live m:1 100 ana`. */
  at(moment: number, endpoint: string, caller?: Caller): Promise<readonly string[]>;
  /** Everything of an endpoint, the first first. */
  all(endpoint: string, caller?: Caller): Promise<readonly HistoryInterval[]>;
}

const names = new Map([
  ['ana', 'Ana'],
  ['eve', 'Eve'],
]);

/** Identity that decides by the real matrix and knows two names. */
export const namingIdentity: HistoryParts['identity'] = {
  ...decidingIdentity(),
  namesOf: async (ids) =>
    await Promise.resolve(new Map(ids.flatMap((id) => (names.has(id) ? [[id, names.get(id) ?? '']] : [])))),
};

export async function openHistoryRoom(database: Database): Promise<HistoryRoom> {
  const room = await openDeploymentsRoom(database);
  const history = createHistory({ database, identity: namingIdentity });
  const ana = callerOf('default');
  const list = async (query: object, caller: Caller): Promise<readonly HistoryInterval[]> =>
    (await history.listHistory(caller, { limit: 1000, ...query })).items.toReversed();
  return {
    room,
    history,
    deploy: async (endpoint, version, more = {}) =>
      await room.ended(
        await room.deployments.deploy(ana, endpoint, deploySchema.parse({ model: 'm', version, ...more })),
      ),
    moment() {
      nextMillisecond();
      const now = Date.now();
      nextMillisecond();
      return now;
    },
    at: async (moment, endpoint, caller = ana) =>
      (await list({ endpoint, at: new Date(moment).toISOString() }, caller)).map(
        ({ role, model, version, sharePercent, decision }) =>
          `${role} ${model}:${version} ${sharePercent} ${decision.by?.name ?? '-'}`,
      ),
    all: async (endpoint, caller = ana) => await list({ endpoint }, caller),
  };
}

/** The clock of the history counts milliseconds. */
function nextMillisecond(): void {
  const begun = Date.now();
  while (Date.now() === begun);
}
