export { describeConfiguration, showConfiguration, usage } from './describe-configuration.ts';
export { type ConfigurationSources, isLoopback, readConfiguration } from './read-configuration.ts';
export type { Configuration } from './settings.ts';
