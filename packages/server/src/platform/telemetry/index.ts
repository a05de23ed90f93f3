export { type Logger, openLogger, silentLogger } from './logger.ts';
export { createMetrics } from './metrics.ts';
export { softwareVersion } from './software-version.ts';
