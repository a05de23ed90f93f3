import { lstatSync, unlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MusterError, defaultFrameLimits, toMusterError } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';
import { watchParent } from './parent-watch.ts';
import { Runner } from './runner.ts';
import { startRuntime } from './start-runtime.ts';

/**
 * The runner of ONNX models, started by the runtime host:
 *
 *     program --listen unix:/path|tcp:host:port [--max-payload-bytes N]
 *
 * (or MUSTER_RUNNER_LISTEN, MUSTER_RUNNER_MAX_PAYLOAD_BYTES). It prints `{"event":"listening","address":…}` when it
 * can be reached, and ends when its standard input closes or on SIGTERM, after the run that is under way.
 */
const finishWithinMs = 5000;

interface ProgramOptions {
  readonly listen: string;
  readonly maxPayloadBytes: number;
}

function readOptions(): ProgramOptions {
  const flags = readFlags();
  const listen = flags.listen ?? process.env['MUSTER_RUNNER_LISTEN'];
  const maxPayload = flags['max-payload-bytes'] ?? process.env['MUSTER_RUNNER_MAX_PAYLOAD_BYTES'];
  const maxPayloadBytes = maxPayload === undefined ? defaultFrameLimits.maxPayloadBytes : Number(maxPayload);
  if (listen === undefined) throw misconfigured('--listen', 'the runner was not told where to listen');
  if (!Number.isSafeInteger(maxPayloadBytes) || maxPayloadBytes < 1) {
    throw misconfigured('--max-payload-bytes', `"${maxPayload}" is no number of bytes`);
  }
  return { listen, maxPayloadBytes };
}

function readFlags(): { readonly listen?: string; readonly 'max-payload-bytes'?: string } {
  try {
    return parseArgs({ options: { listen: { type: 'string' }, 'max-payload-bytes': { type: 'string' } } }).values;
  } catch (thrown) {
    throw misconfigured('arguments', (thrown as Error).message);
  }
}

function misconfigured(place: string, message: string): MusterError {
  const remedy = 'Start it as: program --listen unix:/path|tcp:host:port [--max-payload-bytes N].';
  return new MusterError('invalid_configuration', message, { place, remedy });
}

async function startListening(runner: Runner, text: string): Promise<string> {
  const address = parseListenAddress(text);
  removeStaleSocket(address);
  try {
    const port = await runner.start(address);
    return 'path' in address ? text : text.replace(/\d+$/u, String(port));
  } catch (thrown) {
    throw misconfigured('--listen', `the runner cannot listen on ${text}: ${(thrown as Error).message}`);
  }
}

/** A socket that an earlier runner left behind when it crashed; its host starts one runner a path. */
function removeStaleSocket(address: ListenAddress): void {
  if (!('path' in address)) return;
  if (lstatSync(address.path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(address.path);
}

function log(entry: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(entry)}\n`);
}

async function main(): Promise<void> {
  const options = readOptions();
  const software = `runtime-onnx onnxruntime-node/${ort.env.versions.node ?? 'unknown'} node/${process.versions.node}`;
  const runner = new Runner({
    software,
    frameLimits: { ...defaultFrameLimits, maxPayloadBytes: options.maxPayloadBytes },
  });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(0), finishWithinMs).unref();
    void runner.stop().then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.stdout.on('error', stop); // nobody reads any more
  await startRuntime();
  const address = await startListening(runner, options.listen);
  watchParent(stop);
  log({ event: 'listening', address, software });
}

main().catch((thrown: unknown) => {
  const { code, message, remedy } = toMusterError(thrown);
  log({ event: 'failed', code, message, remedy });
  process.exitCode = 1;
});
