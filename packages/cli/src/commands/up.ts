import { spawn } from 'node:child_process';
import { exitCodes } from '../exit-code.ts';
import type { Invocation } from '../invocation.ts';
import { endWithUs, serverEnvironment, serverProgram } from '../server-program.ts';

/** Starts the server's program with all flags as they were given; its terminal, signals and exit code are ours. */
export async function up(invocation: Invocation, flags: readonly string[]): Promise<number> {
  const { surroundings } = invocation;
  const { program, nodeFlags } = serverProgram();
  const words = [program, 'up', ...flags];
  const env = serverEnvironment(surroundings);

  // Becomes the server where Node can do that, so that no idle process stays between the terminal and Muster. Under a
  // launcher that watches over us by a channel it cannot: the channel would be lost.
  if (typeof process.execve === 'function' && process.channel == null && surroundings.platform !== 'win32') {
    process.removeAllListeners('warning'); // it is experimental in Node 24, which is nothing to the user
    process.execve(process.execPath, [process.execPath, ...nodeFlags, ...words], env);
  }

  surroundings.releaseInterruption();
  const child = spawn(process.execPath, [...nodeFlags, `--import=${endWithUs}`, ...words], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of signals) process.on(signal, passOn);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const each of signals) process.off(each, passOn);
      resolve(code ?? (signal === 'SIGINT' ? exitCodes.interrupted : 128 + (signal === 'SIGTERM' ? 15 : 9)));
    });
  });
}
