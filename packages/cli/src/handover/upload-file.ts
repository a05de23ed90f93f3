import { type Client, upload } from '@muster-ml/client';
import { MusterError } from '@muster-ml/protocol';
import { createUnfinishedUploads } from '../context/unfinished-uploads.ts';
import { Interrupted } from '../interrupted.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { sizeText } from '../units/size.ts';
import type { ModelFile } from './model-file.ts';

/** Sends the file, going on where an earlier attempt stopped. */
export async function uploadFile(invocation: Invocation, client: Client, file: ModelFile): Promise<void> {
  const { terminal, surroundings } = invocation;
  const unfinished = createUnfinishedUploads(surroundings);
  const resume = unfinished.find(client.url, file.sha256);
  const step = beginStep(terminal, `uploading ${file.path}`);
  let sentBefore: number | undefined;
  const send = async (earlier: string | undefined): Promise<void> => {
    await upload(client, file, {
      ...(earlier === undefined ? {} : { resume: earlier }),
      signal: surroundings.interruption,
      onStart: ({ id }) => unfinished.remember(client.url, file.sha256, id),
      onProgress: (sentBytes) => {
        sentBefore ??= sentBytes;
        step.update(`uploading ${file.path}  ${sizeText(sentBytes)} of ${sizeText(file.sizeBytes)}`);
      },
    });
  };
  try {
    await send(resume).catch(async (error: unknown) => {
      // What the server no longer knows is begun anew.
      if (resume === undefined || !(error instanceof MusterError) || error.kind !== 'not_found') throw error;
      await send(undefined);
    });
  } catch (error) {
    step.drop();
    if (surroundings.interruption.aborted)
      throw new Interrupted('Run the same command again: it goes on where it stopped.');
    throw error;
  }
  unfinished.forget(client.url, file.sha256);
  const resumed = sentBefore === undefined || sentBefore === 0 ? '' : ` (${sizeText(sentBefore)} of it earlier)`;
  step.done(`uploaded ${sizeText(file.sizeBytes)}${resumed}`);
}
