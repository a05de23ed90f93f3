export { type Drills, createDrills } from './drills.ts';
export { drillRoutes } from './routes.ts';
