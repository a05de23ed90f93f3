import type { Action } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

/** An action by its name, such as `endpoint.predict`. Throws `UsageError` with the one that was meant. */
export async function readAction(place: string, text: string): Promise<Action> {
  const { actions, nearestName } = await import('@muster-ml/protocol');
  const known = actions.find((action) => action === text);
  if (known !== undefined) return known;
  const near = nearestName(text, actions);
  throw new UsageError(
    `there is no action \`${text}\``,
    near === undefined ? 'docs/reference/permissions.md lists them all.' : `Write \`${near}\`.`,
    place,
  );
}
