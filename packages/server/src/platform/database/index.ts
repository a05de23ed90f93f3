export type { Database, Tx } from './database.ts';
