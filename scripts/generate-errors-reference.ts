import { writeFileSync } from 'node:fs';
import { type ErrorCode, catalogue, httpStatusOfKind } from '@muster-ml/protocol';

/** Statuses of the transport, which no kind stands for. */
const transportStatus: Partial<Record<ErrorCode, number>> = {
  method_not_allowed: 405,
  unsupported_media_type: 415,
  body_too_slow: 408,
};

/** The page that is generated. */
export const errorsReference = new URL('../docs/reference/errors.md', import.meta.url);

/** The reference page of all errors, from the catalogue: code, status, what it means, what to do. */
export function describeErrors(): string {
  const codes = (Object.keys(catalogue) as ErrorCode[]).toSorted();
  const rows = codes.map((code) => {
    const { kind, title, remedy } = catalogue[code];
    return `| \`${code}\` | ${transportStatus[code] ?? httpStatusOfKind[kind]} | ${kind} | ${cell(title)} | ${cell(remedy)} |`;
  });
  return `# Errors

Generated from the catalogue in \`packages/protocol/src/errors\` by \`npm run docs:generate\`.

The management API and \`/predict\` answer errors as \`application/problem+json\` with \`code\`, \`title\`, \`detail\`, \`remedy\` and, where it is about an
input, \`place\`. The Open Inference Protocol answers \`{"error": "<code>: <message>. <remedy>"}\`. The command line maps kinds to exit codes.

| code | status | kind | what it means | what to do |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}

/** Writes the page. */
export function generateErrorsReference(): void {
  writeFileSync(errorsReference, describeErrors());
}
