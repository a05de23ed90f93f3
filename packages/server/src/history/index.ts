export { createHistory } from './history.ts';
export { historyRoutes } from './routes.ts';
