import type { Invocation } from '../invocation.ts';
import { actorUpdate } from './actor-update.ts';

/** Gives an actor another name; its tokens, roles and access rules stay. */
export async function actorRename(invocation: Invocation, name: string, newName: string): Promise<void> {
  await actorUpdate(invocation, name, { name: newName }, (actor) => `${name} is ${actor.name} now`);
}
