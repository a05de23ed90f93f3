import { createMlflowServer } from '@muster-ml/client';
import { readMlflow } from '../import/read-mlflow.ts';
import { type ImportFlags, sendItems } from '../import/send-items.ts';
import type { Invocation } from '../invocation.ts';
import { beginStep } from '../output/progress.ts';
import { UsageError } from '../usage-error.ts';

export interface ImportMlflowFlags extends ImportFlags {
  readonly alias?: string;
}

/**
 * Lists the models of an MLflow server that have an alias, asked as the user that MLFLOW_TRACKING_USERNAME and _PASSWORD,
 * or _TOKEN say. The credentials go to that server and nowhere else.
 */
export async function importMlflow(invocation: Invocation, url: string, flags: ImportMlflowFlags): Promise<number> {
  const { terminal, surroundings } = invocation;
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new UsageError(`\`${url}\` is no address of an MLflow server`, 'Write http://localhost:5000.', url);
  const { env } = surroundings;
  const mlflow = createMlflowServer({
    url,
    username: env['MLFLOW_TRACKING_USERNAME'],
    password: env['MLFLOW_TRACKING_PASSWORD'],
    token: env['MLFLOW_TRACKING_TOKEN'],
    signal: surroundings.interruption,
  });
  const alias = flags.alias ?? 'champion';
  const step = beginStep(terminal, `asking ${mlflow.url}`);
  try {
    const read = await readMlflow(mlflow, alias, flags);
    step.done(`${mlflow.url} has ${read.items.length} models with the alias ${alias}`);
    return await sendItems(invocation, 'mlflow', read, flags);
  } catch (error) {
    step.drop();
    throw error;
  }
}
