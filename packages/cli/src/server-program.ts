import { fileURLToPath } from 'node:url';
import type { Surroundings } from './surroundings.ts';

/** Variables that are the command line's own, and no settings of the server. */
const ownVariables = ['MUSTER_SERVER', 'MUSTER_TOKEN', 'MUSTER_DEBUG'];

/** Runs in a child before the server does: when this process is gone, however that happened, so is the server. */
export const endWithUs = `data:text/javascript,${encodeURIComponent(
  "process.once('disconnect', () => process.kill(process.pid, 'SIGTERM')); process.channel?.unref();",
)}`;

/** The program of the server, with the flags of Node that it takes. */
export function serverProgram(): { readonly program: string; readonly nodeFlags: readonly string[] } {
  const program = fileURLToPath(import.meta.resolve('@muster-ml/server/main'));
  return { program, nodeFlags: program.endsWith('.ts') ? ['--conditions=muster-source'] : [] };
}

/** The environment of a server that is started from here. */
export function serverEnvironment({ env }: Surroundings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== undefined && !ownVariables.includes(name)),
  ) as Record<string, string>;
}
