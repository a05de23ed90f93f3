import { Gauge, type Registry } from 'prom-client';
import type { KeptLedgerRecords } from './records.ts';

/** Metrics of the ledger: how long entries have waited to be anchored, and whether entries contradict what was signed. */
export function registerLedgerMetrics(
  registry: Registry,
  records: Pick<KeptLedgerRecords, 'anchorAgeMs' | 'contradiction'>,
): void {
  const age = new Gauge({
    name: 'muster_ledger_anchor_age_seconds',
    help: 'Age of the oldest ledger entry that no sink outside has a checkpoint of; alert at 600.',
    registers: [registry],
    async collect() {
      this.set((await records.anchorAgeMs()) / 1000);
    },
  });
  const contradicted = new Gauge({
    name: 'muster_ledger_contradicted',
    help: '1 where the ledger does not continue what was signed of it: tampered with, rolled back or cut.',
    registers: [registry],
    collect() {
      this.set(records.contradiction === undefined ? 0 : 1);
    },
  });
  age.set(0);
  contradicted.set(0);
}
