/**
 * One timer for many deadlines. Most requests of an endpoint have the same time and are answered long before it, so a
 * timer for each would cost more than it is worth: this one is set for the earliest deadline, and looks for the next
 * when it fires.
 */
export interface DeadlineWatch {
  /** There is a deadline at this time of the monotonic clock. */
  note(deadlineMs: number): void;
  stop(): void;
}

/** `onDue` ends what is due and gives the earliest deadline that is left; undefined: none. */
export function createDeadlineWatch(onDue: (nowMs: number) => number | undefined): DeadlineWatch {
  let setForMs = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const fire = (): void => {
    setForMs = Number.POSITIVE_INFINITY;
    const nextMs = onDue(performance.now());
    if (nextMs !== undefined) note(nextMs);
  };
  const note = (deadlineMs: number): void => {
    if (deadlineMs >= setForMs) return;
    clearTimeout(timer);
    setForMs = deadlineMs;
    // Timers take whole milliseconds, and 2^31 of them at most.
    timer = setTimeout(fire, Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(deadlineMs - performance.now()))));
  };
  return {
    note,
    stop: () => {
      clearTimeout(timer);
      setForMs = Number.NEGATIVE_INFINITY;
    },
  };
}
