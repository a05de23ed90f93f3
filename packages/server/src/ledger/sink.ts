/** What is published of a checkpoint. */
export interface ToPublish {
  readonly size: number;
  readonly note: string;
  /** Id of the last restore, and the number of its entry; empty and 0 before the first. */
  readonly restored: string;
  readonly restoredSeq: number;
  /** The leaves from an entry on, up to `size`. */
  leaves(from: number): Promise<readonly Uint8Array[]>;
}

/** A place outside the database that keeps checkpoints: whoever changes entries must not be able to change it too. */
export interface CheckpointSink {
  /** How it is called in reports; without secrets. */
  readonly name: string;
  /** True where it lies beside the database, so that who can change one can change both. */
  readonly isWeak: boolean;
  /** Resolves once it is kept there. Bounded in time. */
  publish(checkpoint: ToPublish, signal: AbortSignal): Promise<void>;
  /** All that it keeps, as `kept-notes.ts` has it; absent where only the receiver has it. */
  readonly read?: () => Promise<string>;
}
