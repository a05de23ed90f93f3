/** The command line itself is wrong: a flag, a value, a combination. Exit code 64; nothing was sent to a server. */
export class UsageError extends Error {
  /** What to do, as one sentence. */
  readonly remedy: string;
  /** The flag or the argument that is wrong, such as `--memory`. */
  readonly place: string | undefined;

  constructor(message: string, remedy: string, place?: string) {
    super(message);
    this.name = 'UsageError';
    this.remedy = remedy;
    this.place = place;
  }
}
