import { otherCallers } from '@muster-ml/protocol';
import type { Clock } from '../platform/clock/index.ts';
import type { EndpointCall, Observation } from './faces.ts';
import type { TableLimits } from './limits.ts';
import { type UsageAnswer, type UsageCount, type UsageReport, keysPerReport, maxUsageKeys } from './usage-report.ts';

export interface UsageOptions {
  readonly clock: Clock;
  /** Names what is counted since this gateway started: another one each time. */
  readonly stream: string;
  readonly limits: Pick<TableLimits, 'take' | 'told'>;
  /** Keys that are kept apart. */
  readonly maxKeys?: number;
  /** Least time between two reports, so that a gateway with much else to tell does not have control write each time. */
  readonly gapMs?: number;
}

/** Counts who calls what, for control to keep. */
export interface Usage {
  /** Counts a call; whatever is none is left out. Never waits. */
  count(observation: CountedObservation): void;
  /** What is to be told: the same again until it is known to be kept; undefined while there is nothing. */
  report(): UsageReport | undefined;
  /** Control has kept a report. */
  kept(answer: UsageAnswer): void;
  /** Control cannot read what it was told: it is given up. */
  giveUp(): void;
  /** The gateway ends: what there is goes into the next report. Whether there is any. */
  hasLast(): boolean;
}

export type CountedObservation = Pick<Observation, 'call' | 'deployment' | 'status' | 'code' | 'rows' | 'runMicros'>;

const hourMs = 3_600_000;

/** Far below what control reads of a report; numbers and names of fields take the fixed part of each key. */
const maxReportBytes = 4 * 1024 * 1024;
const fixedBytes = 250;

interface Counts {
  readonly call: EndpointCall;
  readonly hour: number;
  readonly model: string;
  readonly version: string;
  requests: number;
  clientErrors: number;
  serverErrors: number;
  refused: number;
  rows: number;
  runMicros: number;
  lastAt: number;
}

/** Ended before one was chosen. */
const noDeployment = { model: '', version: '' };

/** Counts of one hour by key. */
interface Hour {
  readonly hour: number;
  readonly counts: Map<string, Counts>;
}

/**
 * Counts calls by endpoint, version, actor and hour (UTC). One report is under way at a time; what is called meanwhile
 * goes into the next. So a report that was lost is sent again as it was, and control adds each once. What a gateway has
 * counted since its last report, which is at most a second ago while control answers, is lost if it is killed.
 *
 * Memory is bounded: beyond `maxKeys` calls are counted for the actor `other`, beyond twice as many (while control is away
 * for hours, say) also under the first hour that there is. A report is bounded too; what does not fit goes into the next.
 */
export function createUsage({ clock, stream, limits, maxKeys = maxUsageKeys, gapMs = 0 }: UsageOptions): Usage {
  let hours: Hour[] = [];
  /** What each actor called last at each endpoint: mostly that again, and then no key has to be made. */
  const recent = new Map<string, Map<string, Counts>>();
  let keys = 0;
  let sequence = 0;
  let pending: UsageReport | undefined;
  let reportedAt = Number.NEGATIVE_INFINITY;
  let isEnding = false;

  const hourOf = (now: number): Hour => {
    const hour = Math.floor(now / hourMs) * hourMs;
    const last = hours.at(-1);
    if (last?.hour === hour) return last;
    // A clock that was set back goes on with an hour that is there.
    const known = hours.find((one) => one.hour === hour);
    if (known !== undefined) return known;
    const begun = { hour, counts: new Map<string, Counts>() };
    hours.push(begun);
    return begun;
  };
  const add = ({ hour, counts }: Hour, key: string, call: EndpointCall, model: string, version: string): Counts => {
    const made: Counts = {
      call,
      hour,
      model,
      version,
      requests: 0,
      clientErrors: 0,
      serverErrors: 0,
      refused: 0,
      rows: 0,
      runMicros: 0,
      lastAt: 0,
    };
    counts.set(key, made);
    keys += 1;
    return made;
  };
  const countsOf = (call: EndpointCall, deployment: CountedObservation['deployment'], now: number): Counts => {
    const { actor, endpoint } = call;
    const { name, team } = endpoint;
    const { model, version } = deployment ?? noDeployment;
    let actors = recent.get(name);
    const last = actors?.get(actor);
    if (
      last !== undefined &&
      now >= last.hour &&
      now < last.hour + hourMs &&
      last.version === version &&
      last.model === model &&
      last.call.endpoint.team === team
    )
      return last;
    const hour = hourOf(now);
    // Only a model's name may hold a space.
    const key = `${actor} ${name} ${team} ${version} ${model}`;
    const own = hour.counts.get(key) ?? (keys < maxKeys ? add(hour, key, call, model, version) : undefined);
    if (own !== undefined) {
      if (actors === undefined) recent.set(name, (actors = new Map<string, Counts>()));
      actors.set(actor, own);
      return own;
    }
    const folded = `${otherCallers} ${name} ${team} ${version} ${model}`;
    const first = hours[0] ?? hour;
    const home = keys < 2 * maxKeys ? hour : first;
    return home.counts.get(folded) ?? add(home, folded, { ...call, actor: otherCallers }, model, version);
  };

  /** What fits into one report, oldest first; the rest goes into the next. */
  const takeCounts = (): readonly UsageCount[] => {
    recent.clear();
    const taken: UsageCount[] = [];
    let bytes = 0;
    for (const { counts } of hours) {
      for (const [key, one] of counts) {
        if (taken.length >= Math.min(maxKeys, keysPerReport) || bytes >= maxReportBytes) return taken;
        bytes += key.length + fixedBytes;
        taken.push(written(one));
        counts.delete(key);
        keys -= 1;
      }
    }
    hours = [];
    return taken;
  };

  return {
    count: ({ call, deployment, status, code, rows, runMicros }) => {
      if (call === undefined) return;
      const now = clock.now();
      const counts = countsOf(call, deployment, now);
      counts.lastAt = now;
      if (code === 'rate_limited' || code === 'quota_exceeded') {
        counts.refused += 1;
        return;
      }
      counts.requests += 1;
      counts.runMicros += runMicros;
      if (status < 400) counts.rows += rows;
      // What waits in a full queue is refused for the server's sake, not for what the caller sent.
      else if (status >= 500 || code === 'queue_full') counts.serverErrors += 1;
      else counts.clientErrors += 1;
    },

    report: () => {
      if (pending !== undefined) return pending;
      const sinceMs = clock.now() - reportedAt;
      if (sinceMs >= 0 && sinceMs < gapMs && !isEnding) return undefined;
      const quotas = limits.take(keysPerReport);
      if (keys === 0 && quotas.length === 0) return undefined;
      sequence += 1;
      reportedAt = clock.now();
      pending = { stream, sequence, counts: takeCounts(), quotas };
      return pending;
    },

    kept: (answer) => {
      if (pending === undefined || answer.stream !== stream || answer.sequence !== pending.sequence) return;
      pending = undefined;
      limits.told(answer.used);
    },

    hasLast: () => {
      isEnding = true;
      return pending !== undefined || keys > 0;
    },

    giveUp: () => {
      pending = undefined;
      limits.told([]);
    },
  };
}

function written({ call, runMicros, ...counts }: Counts): UsageCount {
  const { endpoint, actor } = call;
  return { endpoint: endpoint.name, team: endpoint.team, actor, runMs: runMicros / 1000, ...counts };
}
