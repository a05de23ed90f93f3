import type { Reach } from '../src/identity/index.ts';

/** Whether an endpoint is within a reach. */
export function reaches(reach: Reach, endpoint: { readonly name: string; readonly team: string }): boolean {
  return reach.teams === '*' || reach.teams.includes(endpoint.team) || reach.endpoints.includes(endpoint.name);
}
