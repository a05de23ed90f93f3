/** Longest event that is read; the server's are far smaller. */
const maxEventChars = 1_000_000;

/** The JSON of each event in a `text/event-stream` response. */
export async function* eventsOf(response: Response): AsyncGenerator {
  if (response.body === null) return;
  let pending = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    pending += chunk;
    if (pending.length > maxEventChars) throw new Error('an event of the stream is too long');
    const events = pending.split('\n\n');
    pending = events.pop() ?? '';
    for (const event of events) {
      const data = event
        .split('\n')
        .filter((line) => line.startsWith('data:'))
        .map((line) => line.slice(5).trimStart())
        .join('\n');
      if (data !== '') yield JSON.parse(data);
    }
  }
}
