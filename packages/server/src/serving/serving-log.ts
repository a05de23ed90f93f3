/** What serving writes to the log: facts first, then a sentence. pino's loggers fit. */
export interface ServingLog {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}
