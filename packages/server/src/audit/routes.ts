import type { Handlers } from '../identity/index.ts';
import type { Audit } from './audit.ts';

type AuditRoutes =
  | 'auditEntryList'
  | 'auditEntryGet'
  | 'auditEntryProve'
  | 'auditCheckpointList'
  | 'auditCheckpoint'
  | 'auditVerify'
  | 'auditExport'
  | 'auditKeys'
  | 'auditKeyRotate';

/** Routes over the ledger. */
export function auditRoutes(audit: Audit): Handlers<AuditRoutes> {
  return {
    auditEntryList: async ({ caller, query }) => {
      const page = await audit.searchEntries(caller, query);
      return { ...page, items: [...page.items] };
    },
    auditEntryGet: async ({ caller, params }) => await audit.getEntry(caller, params.seq),
    auditEntryProve: async ({ caller, params }) => await audit.proveEntry(caller, params.seq),
    auditCheckpointList: async ({ caller, query }) => {
      const page = await audit.listCheckpoints(caller, query.limit);
      return { ...page, items: [...page.items] };
    },
    auditCheckpoint: async ({ caller }) => await audit.makeCheckpoint(caller),
    auditVerify: async ({ caller, body }) => await audit.verifyLedger(caller, body),
    auditExport: async ({ caller }) => await audit.exportLedger(caller),
    auditKeys: async ({ caller }) => await audit.readKeys(caller),
    auditKeyRotate: async ({ caller }) => await audit.rotateKey(caller),
  };
}
