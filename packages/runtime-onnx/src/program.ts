import { lstatSync, unlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MusterError, defaultFrameLimits, toMusterError } from '@muster-ml/protocol';
import * as ort from 'onnxruntime-node';
import { type ListenAddress, parseListenAddress } from './listen-address.ts';
import { watchParent } from './parent-watch.ts';
import { Runner } from './runner.ts';

/**
 * The runner of ONNX models, started by the runtime host:
 *
 *     program --listen unix:/path|tcp:host:port [--max-payload-bytes N]
 *
 * (or MUSTER_RUNNER_LISTEN, MUSTER_RUNNER_MAX_PAYLOAD_BYTES). It prints `{"event":"listening","address":…}` when it
 * can be reached, and ends when its standard input closes or on SIGTERM, after the run that is under way.
 */
const finishWithinMs = 5000;

function readOptions(): { readonly listen: ListenAddress; readonly maxPayloadBytes: number } {
  const { values } = parseArgs({ options: { listen: { type: 'string' }, 'max-payload-bytes': { type: 'string' } } });
  const listen = values.listen ?? process.env['MUSTER_RUNNER_LISTEN'];
  if (listen === undefined)
    throw new MusterError('invalid_configuration', 'the runner was not told where to listen', {
      place: '--listen',
      remedy: 'Use --listen unix:/path or tcp:host:port.',
    });
  const maxPayload = values['max-payload-bytes'] ?? process.env['MUSTER_RUNNER_MAX_PAYLOAD_BYTES'];
  const maxPayloadBytes = maxPayload === undefined ? defaultFrameLimits.maxPayloadBytes : Number(maxPayload);
  if (!Number.isSafeInteger(maxPayloadBytes) || maxPayloadBytes < 1)
    throw new MusterError('invalid_configuration', `"${maxPayload}" is no number of bytes`, {
      place: '--max-payload-bytes',
    });
  return { listen: parseListenAddress(listen), maxPayloadBytes };
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
  const { listen, maxPayloadBytes } = readOptions();
  ort.env.logLevel = 'fatal';
  const software = `runtime-onnx onnxruntime-node/${ort.env.versions.node ?? 'unknown'} node/${process.versions.node}`;
  const runner = new Runner({ software, frameLimits: { ...defaultFrameLimits, maxPayloadBytes } });
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
  removeStaleSocket(listen);
  const port = await runner.start(listen);
  watchParent(stop);
  log({
    event: 'listening',
    address: 'path' in listen ? `unix:${listen.path}` : `tcp:${listen.host}:${port}`,
    software,
  });
}

main().catch((thrown: unknown) => {
  const { code, message, remedy } = toMusterError(thrown);
  log({ event: 'failed', code, message, remedy });
  process.exitCode = 1;
});
