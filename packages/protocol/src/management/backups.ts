import { z } from 'zod';
import { sha256Schema, timeSchema } from './names.ts';

/** A finished backup, as its manifest says it. */
export const backupSchema = z.object({
  name: z.string(),
  /** Folder on the machine of the server. */
  path: z.string(),
  madeAt: timeSchema,
  /** Version of Muster that made it. */
  version: z.string(),
  database: z.enum(['sqlite', 'postgresql']),
  databaseBytes: z.number().int(),
  objects: z.object({ count: z.number().int(), bytes: z.number().int() }),
  /** Entries of the ledger in it, and the root (base64) of the tree over them. */
  ledger: z.object({ size: z.number().int(), root: z.string() }),
});

export type Backup = z.infer<typeof backupSchema>;

/** How many rows each table has. */
const countsSchema = z.record(z.string().max(200), z.number().int().min(0));

/** What was in the database at the moment of the backup. */
export const databaseFactsSchema = z.strictObject({
  migrations: z.array(z.string().max(200)).describe('Names of the migrations that had run, in order'),
  tables: countsSchema.describe('Rows of each table'),
  objects: z
    .array(z.strictObject({ digest: sha256Schema, sizeBytes: z.number().int().min(0) }))
    .describe('The content that the database refers to, by digest'),
  ledger: z.strictObject({
    size: z.number().int().min(0),
    root: z.string().max(100).describe('Root (base64) of the tree over the entries, as RFC 6962 has it'),
    broken: z
      .number()
      .int()
      .min(0)
      .nullable()
      .describe('The first entry that was out of place or did not fit its hash, where there was one'),
  }),
});

export type DatabaseFacts = z.infer<typeof databaseFactsSchema>;

/** What `manifest.json` of a backup holds. It is written last: a folder without it is no backup. */
export const backupManifestSchema = z.strictObject({
  format: z.literal(1),
  name: z.string().max(100),
  madeAt: timeSchema,
  version: z.string().max(100),
  environment: z.string().max(100),
  installation: z.string().max(100),
  database: z.strictObject({
    kind: z.enum(['sqlite', 'postgresql']),
    file: z.enum(['muster.db', 'muster.dump']),
    sizeBytes: z.number().int().min(0),
    sha256: sha256Schema,
  }),
  facts: databaseFactsSchema,
  withheld: z.array(z.string().max(500)).describe('What is left out on purpose and must be kept elsewhere'),
  sha256: sha256Schema.describe('SHA-256 of the canonical JSON of everything else in this file'),
});

export type BackupManifest = z.infer<typeof backupManifestSchema>;

/** What a restore did: the last line that the server's program prints. */
export const restoreReportSchema = z.object({
  backup: z.string(),
  madeAt: timeSchema,
  version: z.string(),
  database: z.enum(['sqlite', 'postgresql']),
  dataDir: z.string(),
  facts: databaseFactsSchema.omit({ objects: true, migrations: true }),
  objects: z.object({ count: z.number().int(), bytes: z.number().int() }),
  /** Migrations of this version that the database of the backup lacked. */
  migrated: z.array(z.string()),
});

export type RestoreReport = z.infer<typeof restoreReportSchema>;
