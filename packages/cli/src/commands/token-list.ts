import type { Token } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import { withNearest } from '../context/with-nearest.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { tokenLimitsText } from '../output/token-text.ts';

export interface TokenListFlags {
  readonly actor?: string;
}

/** Lists tokens, newest first: one's own, or those of an actor. The tokens themselves are kept nowhere. */
export async function tokenList(invocation: Invocation, flags: TokenListFlags): Promise<void> {
  const { terminal, surroundings } = invocation;
  const { actor } = flags;
  const client = await invocation.client();
  const items = await withNearest(
    client,
    'actor',
    actor ?? '',
    async () =>
      await allPages((query) =>
        client.call('tokenList', { query: { ...query, ...(actor === undefined ? {} : { actor }) } }),
      ),
  );
  const when = (time: string | null): string =>
    timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  showList(invocation, items, {
    columns: [
      { title: 'ID', value: ({ id }: Token) => id },
      { title: 'OWNER', value: ({ actorName }) => actorName, shrinks: true },
      { title: 'ENDS IN', value: ({ last4 }) => `…${last4}` },
      {
        title: 'STATE',
        value: ({ state }) => state,
        paint: (text, { state }) => (state === 'live' ? terminal.paint.green(text) : terminal.paint.dim(text)),
      },
      { title: 'LIMITED TO', value: tokenLimitsText, shrinks: true },
      { title: 'EXPIRES', value: ({ expiresAt }) => when(expiresAt) },
      { title: 'LAST USED', value: ({ lastUsedAt }) => when(lastUsedAt) },
      { title: 'NOTE', value: ({ note }) => note || '-', shrinks: true },
      { title: 'KIND', value: ({ kind }) => kind, wide: true },
      { title: 'CREATED', value: ({ createdAt }) => when(createdAt), wide: true },
    ],
    name: ({ id }) => id,
    whenEmpty: 'There are no tokens. Make one:  muster token create',
  });
}
