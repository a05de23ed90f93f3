export type { DrillHold, NewEvidence, RecordEvidence } from './contract.ts';
export { loadFacts } from './load-facts.ts';
export { type Readiness, createReadiness } from './readiness.ts';
export { readinessRoutes } from './routes.ts';
