export { type FolderObjectStore, type ObjectStoreParts, createObjectStore } from './folder-object-store.ts';
export type { ObjectStore, ReferenceSource, Uploads } from './object-store.ts';
export { type UploadsParts, createUploads } from './uploads.ts';
