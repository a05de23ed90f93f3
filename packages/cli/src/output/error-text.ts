import { Interrupted } from '../interrupted.ts';
import { UsageError } from '../usage-error.ts';
import type { Terminal } from './terminal.ts';
import { safeText } from './text-width.ts';

/** What the command line can say about an error, whatever it is. */
export interface ShownError {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly remedy: string;
  readonly place?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly requestId?: string | undefined;
}

/** Takes an error apart by its shape, so that the schemas need not be loaded to show it. */
export function shownError(error: unknown): ShownError {
  if (error instanceof UsageError)
    return { code: 'usage', title: error.message, detail: '', remedy: error.remedy, place: error.place };
  if (error instanceof Interrupted)
    return { code: 'interrupted', title: 'Interrupted', detail: '', remedy: error.resume ?? '' };
  if (error instanceof Error && 'code' in error && 'title' in error && 'remedy' in error) {
    const { code, title, message, remedy } = error;
    const more = error as Partial<Pick<ShownError, 'place' | 'details' | 'requestId'>>;
    return {
      code: String(code),
      title: String(title),
      detail: message,
      remedy: String(remedy),
      place: more.place,
      details: more.details,
      requestId: more.requestId,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  const system = error instanceof Error && 'syscall' in error;
  return {
    code: system ? 'system_error' : 'internal_error',
    title: system ? message : 'Something went wrong inside the command line',
    detail: system ? '' : message,
    remedy: system ? '' : 'Run it again with MUSTER_DEBUG=1 for the trace, and report it.',
  };
}

/** The lines of an error: headline, detail, remedy, place, request id. */
export function errorText(error: ShownError, terminal: Pick<Terminal, 'paintNotes' | 'symbols'>): string {
  const { paintNotes, symbols } = terminal;
  const isOurs = error.code === 'usage' || error.code === 'interrupted' || error.code === 'system_error';
  const lines = [`${paintNotes.red(paintNotes.bold('error:'))} ${paintNotes.bold(safeText(error.title))}`];
  if (error.detail !== '')
    lines.push(
      ...safeText(error.detail)
        .split('\n')
        .map((line) => `  ${line}`),
    );
  lines.push(...differences(error).map((line) => `  ${symbols.dot} ${safeText(line)}`));
  if (error.place !== undefined) lines.push(paintNotes.dim(`  at ${safeText(error.place)}`));
  if (error.remedy !== '') lines.push(`  ${symbols.arrow} ${safeText(error.remedy)}`);
  const reference = [
    ...(isOurs ? [] : [error.code]),
    ...(error.requestId === undefined ? [] : [`request ${safeText(error.requestId)}`]),
  ];
  if (reference.length > 0) lines.push(paintNotes.dim(`  ${reference.join(` ${symbols.dot} `)}`));
  return lines.join('\n');
}

/** As one line of JSON, with the members of problem+json. */
export function errorJson(error: ShownError): string {
  const { detail, ...rest } = error;
  return JSON.stringify({ ...rest, detail: detail === '' ? error.title : detail });
}

/** What a refusal lists, such as the differences that break callers. */
function differences(error: ShownError): string[] {
  const listed = error.details?.['differences'];
  return Array.isArray(listed) ? listed.slice(0, 20).map(differenceText) : [];
}

function differenceText(difference: unknown): string {
  if (typeof difference !== 'object' || difference === null) return String(difference);
  return Object.values(difference)
    .filter((part) => typeof part === 'string' && part !== '')
    .join(' ');
}
