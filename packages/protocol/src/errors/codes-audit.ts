import { codes } from './kind.ts';

/** Codes of the ledger: what was done, and the proof of it. */
export const auditCodes = codes({
  entry_not_found: {
    kind: 'not_found',
    title: 'There is no such entry',
    remedy: 'Check its number: muster audit search lists those that there are.',
  },
  entry_not_anchored: {
    kind: 'failed_precondition',
    title: 'No checkpoint covers the entry yet',
    remedy: 'Run muster audit checkpoint, or wait a minute for the next one.',
  },
  ledger_contradicted: {
    kind: 'failed_precondition',
    title: 'The ledger is not what its checkpoints say',
    remedy:
      'Run muster audit verify for what is wrong. If a backup was put back by hand, put it back with muster restore instead, which records it.',
  },
  ledger_key_unusable: {
    kind: 'unavailable',
    title: 'The signing key of the ledger cannot be used',
    remedy: 'Put ledger/signing-key.pem of the data directory back, readable by Muster alone.',
  },
});
