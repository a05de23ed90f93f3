import { fileURLToPath } from 'node:url';
import { MusterError, toMusterError } from '@muster-ml/protocol';
import { nearest, ownEnvironments, readOwnConfiguration, usage } from './config/index.ts';
import { endAtSignals, exclusive, runAlone, runSupervised } from './platform/processes/index.ts';
import { softwareVersion } from './platform/telemetry/index.ts';

/** Each role loads its own code only: a gateway needs no database, a supervisor no HTTP. */
const roles = {
  control: async () => exclusive('control', (await import('./control.ts')).startControl),
  gateway: async () => (await import('./gateway.ts')).startGateway,
};

// What the server writes is its user's alone, whichever file it is.
process.umask(0o077);

try {
  const [first = 'up', ...rest] = process.argv.slice(2);
  const [role, flags] = first.startsWith('-') ? ['up', [first, ...rest]] : [first, rest];
  if (flags.includes('--help')) process.stdout.write(usage());
  else if (flags.includes('--version')) process.stdout.write(`${softwareVersion()}\n`);
  else if (role === 'up') await up(flags);
  else if (role === 'restore') process.exitCode = await (await import('./restore.ts')).runRestore(flags);
  else if (role !== 'control' && role !== 'gateway') throw unknownRole(role);
  else if (flags.includes('--supervised')) runSupervised(await roles[role]());
  else await runAlone(await roles[role](), readOwnConfiguration(flags));
} catch (error) {
  const known = toMusterError(error);
  process.stderr.write(`${known.title}: ${known.message}\n  ${known.remedy}\n`);
  if (known.code === 'internal_error' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exit(known.kind === 'conflict' ? 7 : known.code === 'invalid_configuration' ? 64 : 1);
}

async function up(flags: readonly string[]): Promise<void> {
  const { startSupervisor } = await import('./supervisor.ts');
  const muster = await startSupervisor({
    configuration: readOwnConfiguration(flags),
    environments: ownEnvironments(),
    program: fileURLToPath(import.meta.url),
    software: softwareVersion(),
    print: (line) => process.stderr.write(`  ${line}\n`),
  });
  endAtSignals(
    () => muster.drain(),
    () => muster.kill(),
  );
}

function unknownRole(role: string): MusterError {
  const near = nearest(role, ['up', 'restore', ...Object.keys(roles)]);
  return new MusterError(
    'invalid_configuration',
    `"${role}" is not a role${near === undefined ? '' : `; did you mean ${near}?`}`,
    { remedy: 'Start up, control, gateway or restore.' },
  );
}
