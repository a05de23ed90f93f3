export { createDurableFolders, createDurableWriter, syncFolder } from './durable-files.ts';
export { type FolderObjectStore, createObjectStore } from './folder-object-store.ts';
export type { ObjectStore, ReferenceSource, Uploads } from './object-store.ts';
export { noSuchObject } from './object-row.ts';
export { isUploadedBy } from './upload-row.ts';
export { createUploads, noSuchUpload } from './uploads.ts';
