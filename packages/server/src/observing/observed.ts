import type { Observe, Observed, observationSchema, observedSources } from '@muster-ml/protocol';
import type { z } from 'zod';
import { digestOf } from '../ledger/index.ts';
import type { Look } from './look.ts';

/** What callers saw over some time, as somebody who measures it told. */
export type Observation = z.output<typeof observationSchema>;

/** Where a description came from. */
export type ObservedSource = (typeof observedSources)[number];

/** What serves an endpoint, where, and how it is looked at: what somebody sets. */
export interface ObservedDetails {
  readonly platform: string;
  readonly location: string;
  readonly model: string | null;
  readonly version: string | null;
  readonly source: ObservedSource;
  readonly probe: string | null;
}

/** How the last look at the probe ended. */
export interface ProbeState extends Look {
  readonly at: number;
}

/** An endpoint that something else serves: a row of `endpoint` of the kind `observed`, and what only those have. */
export interface ObservedRecord extends ObservedDetails {
  /** Id of the endpoint. */
  readonly id: string;
  readonly name: string;
  readonly team: string;
  /** Null before the first look. */
  readonly seen: ProbeState | null;
  /** Looks that failed since the last that was ok; null before the first that was. */
  readonly failures: number | null;
  readonly observation: Observation | null;
}

/** A look that fails may be an accident, two in a row are told. */
export const tellAfterFailures = 2;

/** The count after one more look. Pure. */
export function failuresAfter(failures: number | null, ok: boolean): number | null {
  if (ok) return 0;
  return failures === null ? null : failures + 1;
}

/** An observation that reaches further into the future than clocks differ is a mistake. */
export const mostFutureMs = 5 * 60_000;

/** The details of a new one. */
export function detailsOf(wish: Observe, source: ObservedSource): ObservedDetails {
  return {
    platform: wish.platform,
    location: wish.location,
    model: wish.model ?? null,
    version: wish.version ?? null,
    source,
    probe: wish.probe ?? null,
  };
}

/** What somebody set, changed by what an import says; what it leaves out stays, since a table may lack the column. Pure. */
export function detailsAfter(before: ObservedDetails, wish: Observe, source: ObservedSource): ObservedDetails {
  const after: ObservedDetails = {
    platform: wish.platform,
    location: wish.location === '' ? before.location : wish.location,
    model: wish.model ?? before.model,
    version: wish.version ?? before.version,
    source: before.source,
    probe: wish.probe ?? before.probe,
  };
  return changedDetails(before, after).length === 0 ? before : { ...after, source };
}

const settable = ['platform', 'location', 'model', 'version', 'probe'] as const;

/** The fields that differ. */
export function changedDetails(before: ObservedDetails, after: ObservedDetails): readonly string[] {
  return settable.filter((field) => before[field] !== after[field]);
}

/** What the ledger says of the details: facts, and a digest of all of them; an address may hold what is nobody's business. */
export function detailsContext(details: ObservedDetails) {
  const { platform, model, version, source, probe } = details;
  return {
    platform,
    model,
    version,
    source,
    probe: probe === null ? null : new URL(probe).host,
    details: digestOf({ ...details }),
  };
}

export function renderObserved(record: ObservedRecord): Observed {
  const { name, team, platform, location, model, version, source, probe, seen, observation } = record;
  return {
    name,
    team,
    platform,
    location,
    model,
    version,
    source,
    probe:
      probe === null
        ? null
        : {
            url: probe,
            ok: seen?.ok ?? null,
            at: seen === null ? null : new Date(seen.at).toISOString(),
            status: seen?.status ?? null,
            ms: seen?.ms ?? null,
            problem: seen?.problem ?? null,
          },
    observation,
  };
}
