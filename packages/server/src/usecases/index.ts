export { useCaseRoutes } from './routes.ts';
export type { UseCaseTables } from './store.ts';
export { useCaseFor } from './use-case-for.ts';
export { type UseCases, createUseCases } from './use-cases.ts';
