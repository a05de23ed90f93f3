import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, createClient } from '@muster-ml/client';
import { MusterError } from '@muster-ml/protocol';
import { endWithUs, serverProgram } from '../server-program.ts';
import { softwareVersion } from '../software-version.ts';

export interface DrillPlace {
  /** A temporary folder, with the restored data in `data`. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly signal: AbortSignal;
}

/** A server that runs for a drill only. */
export interface DrillServer {
  readonly client: Client;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

const outputTailChars = 4096;
const pollMs = 100;

/** Flags that restore and start share: where things are, and where the token for the drill is saved. */
export function placeFlags({ folder, port }: Pick<DrillPlace, 'folder' | 'port'>): readonly string[] {
  return ['--data-dir', join(folder, 'data'), '--config-dir', join(folder, 'config'), '--port', String(port)];
}

/** Starts the server of this version on restored data and waits until it answers; `limitMs` is for that. */
export async function startDrillServer(place: DrillPlace, limitMs: number): Promise<DrillServer> {
  const { program, nodeFlags } = serverProgram();
  // The key of the secrets is in no backup; without it there is nothing to read, and nothing to lose here.
  const words = ['up', ...placeFlags(place), '--secrets-forget-lost'];
  const child = spawn(process.execPath, [...nodeFlags, `--import=${endWithUs}`, program, ...words], {
    env: { ...place.env },
    cwd: place.folder,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(-outputTailChars);
    });
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await exited;
  };
  const url = `http://localhost:${place.port}`;
  try {
    const token = await untilReady(url, place, limitMs, () => child.exitCode ?? child.signalCode);
    return {
      client: createClient({ url, token, userAgent: `muster-cli/${softwareVersion()}`, signal: place.signal }),
      stop,
    };
  } catch (error) {
    await stop();
    if (place.signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new MusterError('drill_failed', `the server does not start on it: ${message}\n${output.trim()}`);
  }
}

/** Answers the token of the admin. */
async function untilReady(
  url: string,
  place: DrillPlace,
  limitMs: number,
  ended: () => number | string | null,
): Promise<string> {
  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    place.signal.throwIfAborted();
    const how = ended();
    if (how !== null) throw new Error(`it ended with ${how}`);
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    await response?.body?.cancel();
    const token = response?.ok === true ? await savedToken(place.folder, url) : undefined;
    if (token !== undefined) return token;
    await delay(pollMs);
  }
  throw new Error(`it was not ready within ${Math.round(limitMs / 1000)} s`);
}

async function savedToken(folder: string, url: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'config', 'config.json'), 'utf8').catch(() => '{}');
  const { tokens } = JSON.parse(text) as { readonly tokens?: Readonly<Record<string, string>> };
  return tokens?.[url];
}

/** A port of this machine that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
