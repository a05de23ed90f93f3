import type { Caller } from '../identity/index.ts';
import { isUploadedBy } from '../platform/objects/index.ts';
import type { RegistryParts } from './parts.ts';

/**
 * Whether the caller may make something of stored content: it sent the content itself, or sees a version that has it.
 * Else knowing a digest, which is no secret, would be as good as having the file of another team.
 */
export async function mayUseContent(
  parts: Pick<RegistryParts, 'database' | 'identity' | 'store'>,
  caller: Caller,
  digest: string,
): Promise<boolean> {
  const { reader } = parts.database;
  if (parts.identity.seesEverything(caller) || (await isUploadedBy(reader, caller.actor.id, digest))) return true;
  if (caller.actor.token?.actions?.includes('version.read') === false) return false;
  return await parts.store.isContentOf(reader, parts.identity.scope(caller, 'version.read'), digest);
}
