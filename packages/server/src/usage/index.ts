export { usageRoutes } from './routes.ts';
export { type Usage, createUsage } from './usage.ts';
