import { z } from 'zod';
import {
  auditEntrySchema,
  auditQuerySchema,
  checkpointSchema,
  entrySeqSchema,
  inclusionProofSchema,
  ledgerKeysSchema,
  verifyLedgerSchema,
} from '../management/audit.ts';
import { operationSchema } from '../management/operations.ts';
import { pageOf, pageQuerySchema } from '../management/pages.ts';
import { route } from '../route.ts';

const entry = z.strictObject({ seq: entrySeqSchema });

/** Routes over the ledger: searching it, proving single entries, checking the whole. */
export const auditRoutes = {
  auditEntryList: route({
    method: 'GET',
    path: '/api/v1/audit/entries',
    action: 'audit.read',
    summary: 'Audit entries, newest first',
    query: auditQuerySchema,
    answer: { status: 200, schema: pageOf(auditEntrySchema) },
  }),
  auditEntryGet: route({
    method: 'GET',
    path: '/api/v1/audit/entries/{seq}',
    action: 'audit.read',
    summary: 'One audit entry',
    params: entry,
    answer: { status: 200, schema: auditEntrySchema },
  }),
  auditEntryProve: route({
    method: 'GET',
    path: '/api/v1/audit/entries/{seq}/proof',
    action: 'audit.read',
    summary: 'Proof that an entry is in the ledger, to check offline',
    params: entry,
    answer: { status: 200, schema: inclusionProofSchema },
  }),
  auditCheckpointList: route({
    method: 'GET',
    path: '/api/v1/audit/checkpoints',
    action: 'audit.verify',
    summary: 'Signed checkpoints and where they were published, newest first',
    query: pageQuerySchema.pick({ limit: true }),
    answer: { status: 200, schema: pageOf(checkpointSchema) },
  }),
  auditCheckpoint: route({
    method: 'POST',
    path: '/api/v1/audit/checkpoint',
    action: 'audit.checkpoint',
    summary: 'Signs and publishes a checkpoint over all entries',
    answer: { status: 200, schema: checkpointSchema },
  }),
  auditVerify: route({
    method: 'POST',
    path: '/api/v1/audit/verify',
    action: 'audit.verify',
    summary: 'Checks the whole ledger, also against notes that were kept elsewhere',
    body: verifyLedgerSchema,
    answer: { status: 202, schema: operationSchema },
  }),
  auditExport: route({
    method: 'GET',
    path: '/api/v1/audit/export',
    action: 'audit.export',
    summary: 'The whole ledger as JSONL, as the stand-alone verifier reads it',
    answer: { status: 200, schema: 'octet-stream' },
  }),
  auditKeys: route({
    method: 'GET',
    path: '/api/v1/audit/keys',
    action: 'installation.read',
    summary: 'The public keys that sign checkpoints',
    answer: { status: 200, schema: ledgerKeysSchema },
  }),
  auditKeyRotate: route({
    method: 'POST',
    path: '/api/v1/audit/keys',
    action: 'audit.rotate-key',
    summary: 'Signs checkpoints with a new key from now on; the old one signs the new one',
    answer: { status: 200, schema: ledgerKeysSchema },
  }),
} as const;
