import type { Client } from '@muster-ml/client';
import { MusterError, type Submission, slugSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

/** The submission with that id, or the one of the endpoint with that name that waits. Throws `submission_not_found`. */
export async function findSubmission(client: Client, what: string): Promise<Submission> {
  if (slugSchema.safeParse(what).success) {
    const waiting = await waitingOf(client, what);
    const [first, second] = waiting;
    if (second !== undefined)
      throw new UsageError(
        `${what} has ${waiting.length} submissions that wait: ${waiting.map(({ id }) => id).join(', ')}`,
        'Write the id of one of them.',
        what,
      );
    // A list may be of some moments ago; decided is by what is there now.
    if (first !== undefined) return await client.call('submissionGet', { params: { submission: first.id } });
  }
  return await client.call('submissionGet', { params: { submission: what } });
}

async function waitingOf(client: Client, endpoint: string): Promise<readonly Submission[]> {
  try {
    return (await client.call('submissionList', { query: { endpoint, state: 'waiting', limit: 10 } })).items;
  } catch (error) {
    // It may be an id, which is asked for next.
    if (error instanceof MusterError && error.code === 'endpoint_not_found') return [];
    throw error;
  }
}
