export { type CallAnswer, type CallOptions, type Client, type ClientOptions, createClient, errorIn } from './client.ts';
export { type UploadSource, upload } from './upload.ts';
