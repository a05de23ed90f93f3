import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const homeDirectory = process.env['HOME'] || homedir();

// Halves the start from sources. In the user's own folder, because who can write the cache can write the program.
enableCompileCache(join(process.env['XDG_CACHE_HOME'] || join(homeDirectory, '.cache'), 'muster', 'compile'));
const { run } = await import('./run.ts');

const interruption = new AbortController();
let interrupts = 0;
function onInterrupt(): void {
  interrupts += 1;
  if (interrupts > 1) process.exit(130);
  interruption.abort();
}
process.on('SIGINT', onInterrupt);
// A reader that went away (`muster endpoint list | head -1`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  workingDirectory: process.cwd(),
  homeDirectory,
  platform: process.platform,
  now: Date.now,
  interruption: interruption.signal,
  releaseInterruption: () => void process.off('SIGINT', onInterrupt),
});
