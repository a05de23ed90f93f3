import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownEnvironments, readOwnConfiguration } from '../src/config/index.ts';
import { endAtSignals } from '../src/platform/processes/index.ts';
import { startSupervisor } from '../src/supervisor.ts';

/** The real supervisor over twins of control, gateway and runners, with inspections that never end. Prints the URL when ready, or the error's code. */
const here = dirname(fileURLToPath(import.meta.url));
try {
  const muster = await startSupervisor({
    configuration: readOwnConfiguration(process.argv.slice(2)),
    environments: ownEnvironments(),
    program: fileURLToPath(new URL('twin-role.ts', import.meta.url)),
    onnx: twinRunner(),
    inspection: { command: process.execPath, arguments: ['-e', 'setInterval(() => {}, 1000)', '--'], readable: [] },
    software: 'test',
    print: (line) => process.stderr.write(`${line}\n`),
  });
  endAtSignals(
    () => muster.drain(),
    () => muster.kill(),
  );
  process.stdout.write(`${muster.url}\n`);
} catch (error) {
  const { code, message, remedy } = error as { code?: string; message: string; remedy?: string };
  process.stdout.write(`${JSON.stringify({ code, message, remedy })}\n`);
  process.exit(1);
}

function twinRunner(): { command: string; arguments: string[]; readable: string[] } {
  return {
    command: process.execPath,
    arguments: ['--conditions=muster-source', join(here, 'twin-runner.ts')],
    readable: [dirname(process.execPath), join(here, '../../..')],
  };
}
