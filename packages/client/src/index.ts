export { type CallAnswer, type CallOptions, type Client, type ClientOptions, createClient, errorIn } from './client.ts';
export {
  type AliasedModel,
  type MlflowServer,
  type MlflowServerOptions,
  type ArtifactFile,
  type FoundVersion,
  createMlflowServer,
} from './mlflow/mlflow-server.ts';
export { type ModelUri, readModelUri } from './mlflow/model-uri.ts';
export { type UploadSource, upload } from './upload.ts';
