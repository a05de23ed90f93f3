export { secretRoutes } from './routes.ts';
export type { SecretUser } from './secret.ts';
export { type SecretUses, type Secrets, createSecrets } from './secrets.ts';
export type { SecretValues } from './use-secrets.ts';
