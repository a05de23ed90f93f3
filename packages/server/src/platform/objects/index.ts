export type { ObjectStore, Uploads } from './object-store.ts';
