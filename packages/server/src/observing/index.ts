export { type Observing, createObserving } from './observing.ts';
export { observedRoutes } from './routes.ts';
