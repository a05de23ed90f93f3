import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';

/** What a caged program tries to reach. */
export interface Look {
  readonly files: readonly string[];
  readonly port: number;
  readonly socket: string;
}

/** Tries to reach what a cage should hide; answers what it reached. */
export async function lookAround({ files, port, socket }: Look): Promise<string[]> {
  const found = files.filter((file) => isReadable(file));
  if (await connects({ port, host: '127.0.0.1' })) found.push('tcp');
  if (await connects({ path: socket })) found.push('control');
  if (process.env['HOME'] !== undefined || Object.keys(process.env).some((name) => name.startsWith('MUSTER_')))
    found.push('environment');
  return found;
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') return false;
  }
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

function connects(target: { port: number; host: string } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.setTimeout(1_000, () => resolve(false));
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
}
