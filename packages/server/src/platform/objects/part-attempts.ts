/** One try to send one part. */
export interface PartAttempt {
  /** Runs a write; false where a newer try of the same part has begun or the upload was dropped, and then it may not. */
  write(work: () => Promise<void>): Promise<boolean>;
  end(): void;
}

export interface PartAttempts {
  /** Begins a try; an older one of the same part can't write any more when this resolves. */
  begin(upload: string, part: number): Promise<PartAttempt>;
  /** Stops every try of an upload in the same way. */
  stopAll(upload: string): Promise<void>;
}

/**
 * Keeps two tries of one part from writing over each other. A client that lost its connection begins anew while the
 * server still waits for the rest of the first try; so the newest counts, and the older need not be waited for beyond
 * the write that it is in.
 */
export function createPartAttempts(): PartAttempts {
  const current = new Map<string, Map<number, { stop(): Promise<void> }>>();
  return {
    async begin(upload, part) {
      const ofUpload = current.get(upload) ?? new Map<number, { stop(): Promise<void> }>();
      current.set(upload, ofUpload);
      const older = ofUpload.get(part);
      let stopped = false;
      let writing: Promise<void> = Promise.resolve();
      const olderStopped = older?.stop();
      const self = {
        stop: async () => {
          stopped = true;
          await olderStopped;
          await writing.catch(() => {});
        },
      };
      ofUpload.set(part, self);
      await olderStopped;
      return {
        async write(work) {
          if (stopped) return false;
          writing = work();
          await writing;
          return !stopped;
        },
        end() {
          if (ofUpload.get(part) === self) ofUpload.delete(part);
          if (ofUpload.size === 0 && current.get(upload) === ofUpload) current.delete(upload);
        },
      };
    },
    async stopAll(upload) {
      await Promise.all([...(current.get(upload)?.values() ?? [])].map((attempt) => attempt.stop()));
    },
  };
}
