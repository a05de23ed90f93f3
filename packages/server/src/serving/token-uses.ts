import type { Clock } from '../platform/clock/index.ts';
import type { TokenUse } from './routing-table.ts';

/** A token's last use is told no more often than this. */
const tellEveryMs = 5 * 60_000;

/** Tokens of which it is remembered when they were told; beyond it the oldest are told more often. */
const maxTokens = 100_000;

/** Which tokens were used, for control to show when each last was. */
export interface TokenUses {
  note(tokenId: string): void;
  /** The uses to tell, which are forgotten here. */
  take(): readonly TokenUse[];
  /** Uses that were taken and did not arrive. */
  giveBack(uses: readonly TokenUse[]): void;
}

export function createTokenUses(clock: Clock): TokenUses {
  const toldAt = new Map<string, number>();
  const untold = new Map<string, number>();
  return {
    note: (tokenId) => {
      const now = clock.now();
      const told = toldAt.get(tokenId);
      if (told !== undefined && now >= told && now - told < tellEveryMs) return;
      toldAt.delete(tokenId);
      toldAt.set(tokenId, now);
      untold.set(tokenId, now);
      for (const oldest of toldAt.keys()) {
        if (toldAt.size <= maxTokens) break;
        toldAt.delete(oldest);
        untold.delete(oldest);
      }
    },
    take: () => {
      const uses = [...untold].map(([token, at]) => ({ token, at }));
      untold.clear();
      return uses;
    },
    giveBack: (uses) => {
      for (const { token, at } of uses) if (toldAt.has(token)) untold.set(token, Math.max(at, untold.get(token) ?? 0));
    },
  };
}
