import type { Handlers } from '../identity/index.ts';
import type { Installation } from './installation.ts';

type Names = 'whoami' | 'status' | 'operationGet' | 'operationWatch' | 'operationCancel';

/** Routes of the installation as a whole. */
export function installationRoutes(installation: Installation): Handlers<Names> {
  return {
    whoami: async ({ caller }) => {
      const { id, kind, name, teams } = caller.actor;
      return {
        id,
        kind,
        name,
        teams: Object.fromEntries(Object.entries(teams).map(([team, roles]) => [team, [...roles]])),
      };
    },
    status: async ({ caller }) => await installation.status(caller),
    operationGet: async ({ caller, params }) => await installation.operation(caller, params.operation),
    operationWatch: async ({ caller, params }) => ({
      events: await installation.watchOperation(caller, params.operation),
    }),
    operationCancel: async ({ caller, params }) => await installation.cancelOperation(caller, params.operation),
  };
}
