export { createInsights } from './insights.ts';
export { insightRoutes } from './routes.ts';
