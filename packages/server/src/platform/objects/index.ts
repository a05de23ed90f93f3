export { type FolderObjectStore, createObjectStore } from './folder-object-store.ts';
export type { ObjectStore, ReferenceSource, Uploads } from './object-store.ts';
export { createUploads } from './uploads.ts';
