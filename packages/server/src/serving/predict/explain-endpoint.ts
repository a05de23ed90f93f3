import { type Column, type RowPlan, csvField, exampleRow, isFloat } from '@muster-ml/protocol';
import type { RoutedDeployment, RoutedEndpoint } from '../routing-table.ts';

/** What `GET /predict/{endpoint}` says: the fields of a row, an example, and lines to copy. `origin` is the caller's way here. */
export function explainEndpoint(
  endpoint: RoutedEndpoint,
  deployment: RoutedDeployment,
  plan: RowPlan,
  isReady: boolean,
  origin: string,
): object {
  const url = `${origin}/predict/${endpoint.name}`;
  const example = { rows: [exampleRow(plan)] };
  const { signature } = deployment;
  return {
    endpoint: endpoint.name,
    model: deployment.model,
    version: deployment.version,
    ready: isReady,
    fields: plan.columns.map(describeField),
    answer: {
      predictions: 'one object a row, with each output by its name',
      outputs: signature.outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
      ...(signature.labels === undefined ? {} : { labels: signature.labels }),
    },
    limits: { bodyBytes: endpoint.bodyBytes, timeoutMs: endpoint.timeoutMs, rowsPerRun: deployment.maxRows },
    example,
    csv: plan.columns.map((column) => csvField(column.name)).join(','),
    curl: `curl ${url} -H "Authorization: Bearer $MUSTER_TOKEN" -H 'Content-Type: application/json' -d ${shellQuoted(JSON.stringify(example))}`,
    python: [
      'import json, os, urllib.request',
      `request = urllib.request.Request(${JSON.stringify(url)}, json.dumps(${pythonLiteral(example)}).encode(), {"Authorization": "Bearer " + os.environ["MUSTER_TOKEN"], "Content-Type": "application/json"})`,
      'print(json.load(urllib.request.urlopen(request))["predictions"])',
    ],
    notes: [
      'POST {"rows": [{...}, ...]} as application/json, or text/csv whose first line names the columns, in any order.',
      'Accept: text/csv gives the predictions as CSV.',
      `POST ${origin}/v2/models/${endpoint.name}/infer takes tensors (Open Inference Protocol v2).`,
    ],
  };
}

function describeField({ name, datatype, shape, isOptional }: Column): object {
  return {
    name,
    datatype,
    type:
      shape.length === 0
        ? kindOf(datatype)
        : `nested lists of shape [${shape.map((size) => (size < 0 ? 'any' : size)).join(', ')}], each element ${kindOf(datatype)}`,
    ...(isOptional ? { optional: true } : {}),
  };
}

function kindOf(datatype: Column['datatype']): string {
  if (datatype === 'BYTES') return 'text';
  if (datatype === 'BOOL') return 'true or false';
  return isFloat(datatype) ? 'number, or null where unknown' : 'integer';
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** JSON as Python reads it: only the words for truth differ, and they stand outside strings. */
function pythonLiteral(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${JSON.stringify(key)}: ${pythonLiteral(entry)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}
