export { describeConfiguration, showConfiguration, usage } from './describe-configuration.ts';
export { nearest } from './nearest.ts';
export { type ChildEnvironments, ownEnvironments, readOwnConfiguration } from './own-configuration.ts';
export { readConfiguration } from './read-configuration.ts';
export type { Configuration } from './settings.ts';
export { urlOf } from './url.ts';
