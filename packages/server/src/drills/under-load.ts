import { readFile, stat } from 'node:fs/promises';
import { MusterError, unpackSample } from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { DrillTask } from './drill.ts';
import type { LoadFound, LoadRequest } from './load/load-task.ts';
import type { Load } from './load/load-thread.ts';
import { sampleRequests } from './load/sample-requests.ts';
import type { RunParts } from './parts.ts';
import { waitUntil } from './wait-until.ts';

/** A drill while it runs. */
export interface Drilling {
  readonly parts: RunParts;
  readonly task: DrillTask;
  readonly caller: Caller;
  /** Calls the endpoint. */
  readonly token: string;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/** A sample that is larger says nothing more: then the endpoint's own example is sent. */
const maxSampleBytes = 16 * 1024 * 1024;
/** Answers that show that load has an effect. */
const enoughAnswers = 5;
const firstAnswersMs = 30_000;
/** What an endpoint's own limit does not cover of the time for an answer. */
const marginMs = 5_000;

/** Puts the endpoint under load for its time and tells what was found. */
export async function loadOnly(drilling: Drilling): Promise<LoadFound> {
  const load = await begin(drilling, false);
  await load.begun;
  const watch = setInterval(() => {
    const { requests, failed } = load.now();
    drilling.progress(`${requests} requests sent, ${failed} failed`);
  }, 1000);
  return await load.done.finally(() => clearInterval(watch));
}

/** Does something while the endpoint is under load, which goes on until it is done, and for its time at least. */
export async function underLoad<T>(
  drilling: Drilling,
  act: (load: Load) => Promise<T>,
): Promise<{ readonly found: LoadFound; readonly acted: T }> {
  const load = await begin(drilling, true);
  await load.begun;
  if (!(await hasMoreAnswers(drilling, load)))
    throw new MusterError('drill_impossible', `${drilling.task.endpoint.name} does not answer`, {
      remedy: `Try it yourself: muster predict ${drilling.task.endpoint.name}`,
    });
  const acted = await act(load);
  await hasMoreAnswers(drilling, load);
  drilling.progress('waiting for the last answers');
  load.end();
  return { found: await load.done, acted };
}

/** Waits for some answers from now on, of a version if one is named; false where none come. Throws the signal's reason. */
export async function hasMoreAnswers({ signal }: Drilling, load: Load, version?: number): Promise<boolean> {
  const count = (): number => {
    const { answered, byVersion } = load.now();
    return version === undefined ? answered : (byVersion[String(version)] ?? 0);
  };
  const goal = count() + enoughAnswers;
  return await waitUntil(() => count() >= goal, { limitMs: firstAnswersMs, signal });
}

async function begin(drilling: Drilling, isOpenEnded: boolean): Promise<Load> {
  const { parts, task, token, signal } = drilling;
  const { url, certificateFile } = parts.gateway;
  drilling.progress(`${task.requestsPerSecond} requests a second begin`);
  return parts.startLoad(
    {
      url,
      certificate: certificateFile === undefined ? undefined : await readFile(certificateFile, 'utf8'),
      endpoint: task.endpoint.name,
      token,
      requests: await requestsOf(drilling),
      requestsPerSecond: task.requestsPerSecond,
      maxInFlight: task.settings.maxInFlight,
      seconds: task.settings.seconds,
      isOpenEnded,
      timeoutMs: task.timeoutMs + marginMs,
    },
    signal,
  );
}

/** The rows of the sample of what is live; none where it has no sample. */
async function requestsOf({ parts, task, caller }: Drilling): Promise<readonly LoadRequest[]> {
  const endpoint = await parts.deployments.servedEndpoint(caller, 'drill.run', task.endpoint.name);
  const served = endpoint.serving('live')?.served;
  if (served === undefined || served.sampleDigest === null) return [];
  const file = await parts.objects.localFile(served.sampleDigest);
  if ((await stat(file)).size > maxSampleBytes) return [];
  return sampleRequests(task.endpoint.name, served.signature, unpackSample(await readFile(file)));
}
