import { errorIn } from '@muster-ml/client';
import { MusterError } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { tableOptions } from '../output/show-list.ts';
import { safeText } from '../output/text-width.ts';
import { exampleOf, explain } from '../prediction/explain.ts';
import { type PredictAnswer, predictionsTable } from '../prediction/predictions-table.ts';
import { type PredictBody, readInput } from '../prediction/read-input.ts';
import { durationText } from '../units/duration.ts';
import { withNearest } from '../context/with-nearest.ts';

const longestMs = 3_600_000;

export interface PredictFlags {
  readonly rows?: string;
}

/** Sends rows to an endpoint and prints what it predicts. Without rows it makes one from the signature. */
export async function predict(
  invocation: Invocation,
  endpoint: string,
  file: string | undefined,
  flags: PredictFlags,
): Promise<void> {
  const { terminal, flags: global } = invocation;
  const given = await readInput(invocation, file, flags.rows);
  const client = await invocation.client();
  await withNearest(client, 'endpoint', endpoint, async () => {
    const body = given ?? (await madeUp());
    const startedAt = performance.now();
    const response = await client.request(`/predict/${encodeURIComponent(endpoint)}`, {
      method: 'POST',
      headers: { 'content-type': body.contentType, accept: 'application/json' },
      body: body.text,
      // The endpoint has a limit of its own, which it answers with.
      timeoutMs: longestMs,
    });
    if (!response.ok) throw await errorIn(response);
    const text = await response.text();
    const took = durationText(performance.now() - startedAt);
    if (global.json === true) {
      terminal.print(text.trimEnd());
      return;
    }
    const answer = JSON.parse(text) as PredictAnswer;
    terminal.print(predictionsTable(answer, tableOptions(invocation)));
    const version = answer.model === undefined ? '' : `${safeText(answer.model)}:${safeText(String(answer.version))}`;
    terminal.note(
      terminal.paintNotes.dim(
        [version, `in ${took}`, ...(given === undefined ? ['for a row made from the signature'] : [])]
          .filter(Boolean)
          .join(` ${terminal.symbols.dot} `),
      ),
    );
    if (given === undefined)
      terminal.note(
        terminal.paintNotes.dim(
          `Your own rows: muster predict ${endpoint} rows.csv, or --rows '{…}'; --json shows all digits`,
        ),
      );
  });

  async function madeUp(): Promise<PredictBody> {
    const example = exampleOf(await explain(client, endpoint));
    if (example === undefined)
      throw new MusterError('invalid_rows', `${endpoint} gives no example row`, {
        remedy: 'Give rows: a CSV or JSON file, or --rows.',
      });
    return { contentType: 'application/json', text: JSON.stringify(example) };
  }
}
