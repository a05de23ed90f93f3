/** Ctrl-C ended the waiting. What was begun goes on in the server or can be resumed; `resume` says how. Exit code 130. */
export class Interrupted extends Error {
  readonly resume: string | undefined;

  constructor(resume?: string) {
    super('interrupted');
    this.name = 'Interrupted';
    this.resume = resume;
  }
}
