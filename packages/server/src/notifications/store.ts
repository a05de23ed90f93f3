import type { NotificationEvent } from '@muster-ml/protocol';
import type { Kysely } from 'kysely';
import { type Scope, inScope } from '../identity/index.ts';
import type { Tx } from '../platform/database/index.ts';
import type { DeliveryRecord } from './delivery.ts';
import type { NotificationRecord } from './notification.ts';

/** The tables of this room, as sql/0013-observing.sql makes them. */
type NotificationTables = {
  notification: NotificationRecord;
  notification_delivery: {
    notification: string;
    channel: string;
    state: DeliveryRecord['state'];
    attempts: number;
    next_at: number;
    problem: string | null;
    delivered_at: number | null;
  };
};

export interface NotificationFilter {
  readonly scope: Scope;
  readonly team: string | undefined;
  readonly event: NotificationEvent | undefined;
  /** Only older ones than this id. */
  readonly before: string | undefined;
  readonly limit: number;
}

/** A delivery that somebody took to try it. */
export interface ClaimedDelivery extends DeliveryRecord {
  readonly what: NotificationRecord;
}

/** Reads take the database's reader or a transaction, writes a transaction. */
export interface NotificationStore {
  /** With a delivery for each channel, due now. */
  add(tx: Tx, notification: NotificationRecord, channels: readonly string[]): Promise<void>;
  /** Newest first. */
  page(db: Kysely<unknown>, filter: NotificationFilter): Promise<readonly NotificationRecord[]>;
  /** Of some notifications, by channel. */
  deliveries(db: Kysely<unknown>, notifications: readonly string[]): Promise<readonly DeliveryRecord[]>;
  /** Channels for which something is due. */
  dueChannels(db: Kysely<unknown>, now: number): Promise<readonly string[]>;
  /**
   * Takes what is due for a channel, the oldest first, counts an attempt, and keeps it from others until `until`: then it
   * is due again, should whoever took it be gone.
   */
  claim(
    tx: Tx,
    channel: string,
    options: { readonly now: number; readonly until: number; readonly limit: number },
  ): Promise<readonly ClaimedDelivery[]>;
  /** Saves how an attempt ended, unless somebody else has it by now. */
  note(tx: Tx, claimed: DeliveryRecord, after: DeliveryRecord): Promise<void>;
  /** Gives up what waits for channels that are not there any more; answers how much that was. */
  giveUpOthers(tx: Tx, channels: readonly string[], problem: string): Promise<number>;
  /** Removes notifications from before a time, with their deliveries. */
  removeBefore(tx: Tx, at: number): Promise<void>;
}

const tables = (db: Kysely<unknown>): Kysely<NotificationTables> => db.withTables<NotificationTables>();

/** Ids in one `IN (…)`, far below the limits of both databases. */
const chunk = 500;

export const notificationStore: NotificationStore = {
  async add(tx, notification, channels) {
    await tables(tx).insertInto('notification').values(notification).execute();
    if (channels.length === 0) return;
    const rows = channels.map((channel) => ({
      notification: notification.id,
      channel,
      state: 'waiting' as const,
      attempts: 0,
      next_at: notification.at,
      problem: null,
      delivered_at: null,
    }));
    await tables(tx).insertInto('notification_delivery').values(rows).execute();
  },

  async page(db, { scope, team, event, before, limit }) {
    let query = tables(db)
      .selectFrom('notification')
      .selectAll()
      .where(inScope(scope, { team: 'notification.team', endpoint: 'notification.endpoint' }))
      .orderBy('id', 'desc')
      .limit(limit);
    if (team !== undefined) query = query.where('team', '=', team);
    if (event !== undefined) query = query.where('event', '=', event);
    if (before !== undefined) query = query.where('id', '<', before);
    return await query.execute();
  },

  async deliveries(db, notifications) {
    const found: DeliveryRecord[] = [];
    for (let at = 0; at < notifications.length; at += chunk) {
      const rows = await tables(db)
        .selectFrom('notification_delivery')
        .selectAll()
        .where('notification', 'in', notifications.slice(at, at + chunk))
        .orderBy('channel')
        .execute();
      found.push(...rows.map(toDelivery));
    }
    return found;
  },

  async dueChannels(db, now) {
    const rows = await tables(db)
      .selectFrom('notification_delivery')
      .select('channel')
      .distinct()
      .where('state', '=', 'waiting')
      .where('next_at', '<=', now)
      .execute();
    return rows.map(({ channel }) => channel);
  },

  async claim(tx, channel, { now, until, limit }) {
    const rows = await tables(tx)
      .selectFrom('notification_delivery')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('next_at', '<=', now)
      .where('channel', '=', channel)
      .orderBy('next_at')
      .orderBy('notification')
      .limit(limit)
      .forUpdate()
      .skipLocked()
      .execute();
    const ids = rows.map(({ notification }) => notification);
    if (ids.length === 0) return [];
    await tables(tx)
      .updateTable('notification_delivery')
      .set((eb) => ({ attempts: eb('attempts', '+', 1), next_at: until }))
      .where('channel', '=', channel)
      .where('notification', 'in', ids)
      .execute();
    const notifications = await tables(tx).selectFrom('notification').selectAll().where('id', 'in', ids).execute();
    return rows.flatMap((row) => {
      const what = notifications.find(({ id }) => id === row.notification);
      return what === undefined ? [] : [{ ...toDelivery(row), attempts: row.attempts + 1, nextAt: until, what }];
    });
  },

  async note(tx, claimed, { state, attempts, nextAt, problem, deliveredAt }) {
    await tables(tx)
      .updateTable('notification_delivery')
      .set({ state, attempts, next_at: nextAt, problem, delivered_at: deliveredAt })
      .where('notification', '=', claimed.notification)
      .where('channel', '=', claimed.channel)
      .where('state', '=', 'waiting')
      .where('attempts', '=', claimed.attempts)
      .execute();
  },

  async giveUpOthers(tx, channels, problem) {
    let query = tables(tx)
      .updateTable('notification_delivery')
      .set({ state: 'given up', problem })
      .where('state', '=', 'waiting');
    if (channels.length > 0) query = query.where('channel', 'not in', channels);
    return Number((await query.executeTakeFirst()).numUpdatedRows);
  },

  async removeBefore(tx, at) {
    await tables(tx).deleteFrom('notification').where('at', '<', at).execute();
  },
};

function toDelivery(row: NotificationTables['notification_delivery']): DeliveryRecord {
  const { next_at: nextAt, delivered_at: deliveredAt, ...same } = row;
  return { ...same, nextAt, deliveredAt };
}
