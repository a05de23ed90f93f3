import type { CallOptions } from '@muster-ml/client';

/** One endpoint as it is sent. */
export type ObserveBody = NonNullable<CallOptions<'observedImport'>['body']>['items'][number];

/** One endpoint that was read, and where. */
export interface ImportItem {
  readonly body: ObserveBody;
  /** Such as `fleet.csv:3`. */
  readonly place: string;
}

/** What of a source is no endpoint, and why it was left out. */
export interface Skipped {
  readonly what: string;
  readonly place: string;
  readonly why: string;
}

/** What a source says. */
export interface ReadItems {
  readonly items: readonly ImportItem[];
  readonly skipped: readonly Skipped[];
}

/** What holds for every item that does not say it itself. */
export interface ImportDefaults {
  readonly team?: string | undefined;
  readonly owner?: string | undefined;
}
