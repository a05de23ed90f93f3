/** The parts of an OpenAPI document that the page shows. */
interface ShownOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly 'x-action': string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: unknown;
    readonly description?: string;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: unknown }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: unknown }>> }
    >
  >;
}

interface ShownDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownOperation>>>>;
}

/** A readable page of the API, without scripts and without anything from elsewhere, so that it works behind any firewall. */
export function referencePage(openApi: unknown): string {
  const document = openApi as ShownDocument;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const list = operations
    .map(
      ({ path, method, operation }) =>
        `<li><a href="#${operation.operationId}"><b>${method.toUpperCase()}</b> ${escaped(path)}</a> ${escaped(operation.summary)}</li>`,
    )
    .join('\n');
  const sections = operations.map(({ path, method, operation }) => section(path, method, operation)).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(document.info.title)}</title>
<style>
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: 4px; }
section { border-top: 1px solid #8886; margin-top: 2rem; }
ul { padding-left: 1.2rem; }
</style></head><body>
<h1>${escaped(document.info.title)} <small>${escaped(document.info.version)}</small></h1>
<p>${escaped(document.info.description)} The document itself: <a href="/api/openapi.json">/api/openapi.json</a>.</p>
<ul>${list}</ul>
${sections}
</body></html>
`;
}

function section(path: string, method: string, operation: ShownOperation): string {
  const parameters = (operation.parameters ?? []).map((parameter) => {
    const need = parameter.required ? 'required' : 'optional';
    return `<li><code>${escaped(parameter.name)}</code> (${escaped(parameter.in)}, ${need}) ${escaped(parameter.description ?? JSON.stringify(parameter.schema))}</li>`;
  });
  const bodies = Object.entries(operation.requestBody?.content ?? {}).map(
    ([type, body]) => `<details><summary>Body: ${escaped(type)}</summary>${json(body.schema)}</details>`,
  );
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const schemas = Object.entries(answer.content ?? {}).map(
      ([type, body]) =>
        `<details><summary>${escaped(status)}: ${escaped(type)}</summary>${json(body.schema)}</details>`,
    );
    return schemas.length === 0 ? `<p>${escaped(status)}: no content</p>` : schemas.join('');
  });
  return `<section id="${operation.operationId}"><h2><code>${method.toUpperCase()} ${escaped(path)}</code></h2>
<p>${escaped(operation.summary)}. Action: <code>${escaped(operation['x-action'])}</code></p>
${parameters.length === 0 ? '' : `<ul>${parameters.join('')}</ul>`}${bodies.join('')}${answers.join('')}</section>`;
}

function json(schema: unknown): string {
  return `<pre>${escaped(JSON.stringify(schema, null, 2))}</pre>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
