export { createFollowing } from './following.ts';
export { followRoutes } from './routes.ts';
