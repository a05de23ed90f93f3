import type { ProcessStatus } from '@muster-ml/protocol';
import type { Topic } from './channel.ts';

/** Name of the topic on which the supervisor tells control how the processes are. */
export const processesTopic = 'processes';

/** The processes as the supervisor last told; on control's side. */
export function watchProcesses(topic: Topic<readonly ProcessStatus[], never>): () => readonly ProcessStatus[] {
  let last: readonly ProcessStatus[] = [];
  topic.on((list) => {
    last = list;
  });
  return () => last;
}
