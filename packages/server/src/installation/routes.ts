import type { Handlers } from '../identity/index.ts';
import type { Installation } from './installation.ts';

type Names = 'status' | 'operationGet' | 'operationWatch' | 'operationCancel';

/** Routes of the installation as a whole. */
export function installationRoutes(installation: Installation): Handlers<Names> {
  return {
    status: async ({ caller }) => await installation.status(caller),
    operationGet: async ({ caller, params }) => await installation.operation(caller, params.operation),
    operationWatch: async ({ caller, params }) => ({
      events: await installation.watchOperation(caller, params.operation),
    }),
    operationCancel: async ({ caller, params }) => await installation.cancelOperation(caller, params.operation),
  };
}
