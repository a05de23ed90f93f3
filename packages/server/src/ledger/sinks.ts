import { dirname, join, relative } from 'node:path';
import type { Clock } from '../platform/clock/index.ts';
import { createFolderSink } from './folder-sink.ts';
import type { CheckpointSink } from './sink.ts';
import { createWebhookSink } from './webhook-sink.ts';

export interface SinksOptions {
  /** Where the database and the key are: `<dataDir>/ledger`. */
  readonly ledgerFolder: string;
  /** A folder elsewhere; without one, checkpoints lie beside the key. */
  readonly folder?: string | undefined;
  readonly webhooks: readonly { readonly url: string; readonly tokenFile?: string | undefined }[];
  readonly clock: Clock;
}

/** The sinks of an installation: always a folder, so that there is one to read back, and its webhooks. */
export function createCheckpointSinks({
  ledgerFolder,
  folder,
  webhooks,
  clock,
}: SinksOptions): readonly CheckpointSink[] {
  // Within the data directory it goes where the database goes.
  const isWeak = folder === undefined || !relative(dirname(ledgerFolder), folder).startsWith('..');
  const hosts = webhooks.map(({ url }) => new URL(url).host);
  return [
    createFolderSink({ folder: folder ?? join(ledgerFolder, 'checkpoints'), isWeak, clock }),
    ...webhooks.map((webhook, index) => {
      const sink = createWebhookSink(webhook);
      const isOnlyOne = hosts.indexOf(hosts[index] ?? '') === hosts.lastIndexOf(hosts[index] ?? '');
      return isOnlyOne ? sink : { ...sink, name: `${sink.name} (${index + 1})` };
    }),
  ];
}
