export { scoringRoutes } from './routes.ts';
export { type Scoring, createScoring } from './scoring.ts';
