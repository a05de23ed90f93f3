import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RunningMuster } from '../muster.ts';

/** A token that must not open anything. */
export interface BadToken {
  readonly title: string;
  readonly value: string | undefined;
  /** What is answered, where the protocol has codes. */
  readonly codes: readonly string[];
}

/** One of each kind; `good` is somebody's that is valid. */
export async function makeBadTokens(muster: RunningMuster, good: string): Promise<readonly BadToken[]> {
  const { client } = muster;
  const make = async () => await client.call('tokenCreate', { body: { expiresInDays: 1 } });
  const [expired, revoked] = [await make(), await make()];
  await client.call('tokenRevoke', { params: { token: revoked.id } });
  const disabled = await client.call('actorCreate', { body: { name: 'disabled', kind: 'service', team: 'own' } });
  const ofDisabled = await client.call('tokenCreate', { body: { actor: disabled.id, expiresInDays: 1 } });
  await client.call('actorUpdate', { params: { actor: disabled.id }, body: { disabled: true } });
  const database = new DatabaseSync(join(muster.place.dataDir, 'muster.db'), { timeout: 10_000 });
  database.prepare('update token set expires_at = 1 where id = ?').run(expired.id);
  database.close();
  const invalid = ['token_invalid'];
  return [
    { title: 'missing', value: undefined, codes: ['token_missing'] },
    { title: 'malformed', value: randomBytes(20).toString('base64url'), codes: invalid },
    // The checksum is wrong.
    { title: 'cut', value: `${good.slice(0, -1)}${good.endsWith('0') ? '1' : '0'}`, codes: invalid },
    // Control says that it has expired; a gateway does not keep what has.
    { title: 'expired', value: expired.token, codes: ['token_expired', ...invalid] },
    { title: 'revoked', value: revoked.token, codes: invalid },
    { title: 'of a disabled actor', value: ofDisabled.token, codes: invalid },
  ];
}
