/** Users that runners and inspections take for themselves. */
export interface UserPool {
  /** A user that nobody has; null where all run as our own. */
  take(): number | null;
  giveBack(uid: number | null): void;
}

/** A user of its own for each cage: one of another team can neither read its models nor stop it. `first` null: nobody gets one. */
export function createUserPool(first: number | null): UserPool {
  const taken = new Set<number>();
  return {
    take() {
      if (first === null) return null;
      let uid = first;
      while (taken.has(uid)) uid += 1;
      taken.add(uid);
      return uid;
    },
    giveBack(uid) {
      if (uid !== null) taken.delete(uid);
    },
  };
}
