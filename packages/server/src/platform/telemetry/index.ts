export { type Logger, type LoggerOptions, type OpenLogger, openLogger, silentLogger } from './logger.ts';
export { createMetrics } from './metrics.ts';
export { redactText } from './redact.ts';
export { softwareVersion } from './software-version.ts';
