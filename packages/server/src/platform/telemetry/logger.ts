import { pino } from 'pino';
import { redactText } from './redact.ts';
import { openRotatingFile } from './rotating-file.ts';

/** Structured logs: one JSON object a line, with a role and, where there is a request, its id. */
export type Logger = pino.Logger;

export interface LoggerOptions {
  /** Process that logs: `supervisor`, `control`, `gateway`; also names its files. */
  readonly role: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Folder of the files `ROLE.log`, `ROLE.1.log`, …; absent: standard error. */
  readonly folder?: string;
  readonly maxFileBytes: number;
  /** Files kept, the open one included. */
  readonly maxFiles: number;
}

/** A logger and the way to close it: what was logged before is written. */
export interface OpenLogger {
  readonly logger: Logger;
  readonly close: () => void;
}

/** Names of fields whose values are never logged, wherever they stand in the first three levels. */
const secretFields = [
  'authorization',
  'Authorization',
  'cookie',
  'set-cookie',
  'token',
  'adminToken',
  'internalToken',
  'secret',
  'password',
  'databaseUrl',
  'apiKey',
  'key',
];
const secretPaths = secretFields.flatMap((field) => [`["${field}"]`, `*["${field}"]`, `*.*["${field}"]`]);

/**
 * Opens the log of a process. Files are rotated by size and bounded in number, over restarts too. A disk that is full loses
 * log lines, never the process.
 */
export function openLogger(options: LoggerOptions): OpenLogger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { role: options.role, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: secretPaths, censor: '•••' },
    serializers: { err: serializeError, error: serializeError },
    hooks: {
      logMethod(values, method) {
        method.apply(
          this,
          values.map((value) => (typeof value === 'string' ? redactText(value) : value)) as Parameters<typeof method>,
        );
      },
    },
  };
  if (options.folder === undefined)
    return { logger: pino(settings, pino.destination({ dest: 2, sync: true })), close: () => {} };
  const file = openRotatingFile({
    folder: options.folder,
    name: options.role,
    maxBytes: options.maxFileBytes,
    maxFiles: options.maxFiles,
  });
  return { logger: pino(settings, file), close: file.close };
}

/** A logger for tests and for programs that are not to log. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, place } = error as { readonly code?: unknown; readonly place?: unknown };
  return {
    type: error.name,
    message: redactText(error.message),
    ...(code === undefined ? {} : { code }),
    ...(place === undefined ? {} : { place }),
    stack: redactText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
  };
}
