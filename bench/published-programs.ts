import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { keepTrack } from './children.ts';

/*
 * What is measured is what is published: the built JavaScript. The sources run as they are too, but then every start
 * strips their types first, and every process holds the stripper in memory.
 */

/** Starts the server and its roles. */
export const serverProgram = fileURLToPath(new URL('../packages/server/dist/main.js', import.meta.url));

/** The command line, behind its launcher. */
export const commandLineProgram = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

/** Brings what is built up to date with the sources. Throws where they do not compile. */
export async function buildPublished(): Promise<void> {
  const compiler = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
  const projects = ['runtime-onnx', 'server', 'cli'].map((name) =>
    fileURLToPath(new URL(`../packages/${name}`, import.meta.url)),
  );
  const child = spawn(process.execPath, [compiler, '-b', ...projects], { stdio: ['ignore', 'inherit', 'inherit'] });
  keepTrack(child);
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error('the sources do not compile');
}
