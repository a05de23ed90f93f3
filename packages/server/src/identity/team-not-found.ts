import { MusterError } from '@muster-ml/protocol';

/** The error of a team that does not exist, and alike of one that the caller may not see. `place` names the input. */
export function teamNotFound(
  team: string,
  options: { readonly place?: string; readonly cause?: unknown } = {},
): MusterError {
  return new MusterError('team_not_found', `there is no team ${team}`, options);
}
