import { type CheckResult, type Level, type Verdict, levels } from '@muster-ml/protocol';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { wrapped } from '../output/show-facts.ts';
import { shellQuoted } from '../output/shell-quoted.ts';
import { counted } from '../output/signature-text.ts';
import type { Paint } from '../output/terminal.ts';
import { safeText } from '../output/text-width.ts';
import { timeText } from '../output/time-text.ts';

/** Where the lines of a verdict go, and how wide they may be. */
export interface Shown {
  readonly print: (text: string) => void;
  readonly paint: Paint;
  readonly width: number;
}

/** On standard output, as what was asked for. */
export function asData({ terminal }: Invocation): Shown {
  return { print: (text) => terminal.print(text), paint: terminal.paint, width: terminal.width };
}

/** On standard error, beside what was asked for. */
export function asNotes({ terminal }: Invocation): Shown {
  return {
    print: (text) => terminal.note(text),
    paint: terminal.paintNotes,
    width: terminal.isLive ? terminal.liveWidth : Infinity,
  };
}

/** Checks that a level asks for. */
export function checksWithin({ checks }: Verdict, level: Level): CheckResult[] {
  return checks.filter((check) => levels.indexOf(check.level) <= levels.indexOf(level));
}

/**
 * A line a check: whether it holds, and what was found; below each gap the command that closes it. `file` stands for FILE in
 * them.
 */
export function showChecks(invocation: Invocation, shown: Shown, results: readonly CheckResult[], file?: string): void {
  const titleWidth = Math.max(0, ...results.map(({ title }) => title.length));
  const indent = 9 + titleWidth;
  for (const result of results) {
    const { mark, paint } = markOf(invocation, shown.paint, result);
    const [first = '', ...rest] = wrapped(safeText(foundText(invocation, result)), shown.width - indent);
    shown.print(`${paint(mark.padEnd(2))} ${result.id}  ${result.title.padEnd(titleWidth)}  ${first}`);
    for (const line of rest) shown.print(' '.repeat(indent + 1) + line);
    const { remedy } = result.outcome;
    if (!result.holds && remedy !== null)
      shown.print(
        `${' '.repeat(8)}${invocation.terminal.symbols.arrow} ${safeText(remedyText(invocation, remedy, file))}`,
      );
  }
}

/** `bronze: 5 of 5 · silver: 3 of 7`, up to a level. */
export function countsText({ terminal }: Invocation, verdict: Verdict, level: Level): string {
  return levels
    .slice(0, levels.indexOf(level) + 1)
    .flatMap((one) => {
      const own = verdict.checks.filter((check) => check.level === one);
      return own.length === 0 ? [] : [`${one}: ${own.filter(({ holds }) => holds).length} of ${own.length}`];
    })
    .join(` ${terminal.symbols.dot} `);
}

/** What the environment asks for, and whether that is there. */
export function askedText({ environment, level, holds, checks }: Verdict): string {
  const gaps = checks.filter((check) => check.required && !check.holds).length;
  return `${environment} asks for ${level}: ${holds ? 'all of it holds' : counted(gaps, 'gap')}`;
}

/** A command that can be copied here. */
export function remedyText(invocation: Invocation, remedy: string, file?: string): string {
  const command = remedy.replace(/^muster /, `${commandName(invocation)} `);
  return file === undefined ? command : command.replace(/ FILE(?= |$)/, () => ` ${shellQuoted(file)}`);
}

function markOf(
  { terminal: { symbols } }: Invocation,
  paint: Paint,
  { outcome: { state }, holds, waiver }: CheckResult,
): { readonly mark: string; readonly paint: (text: string) => string } {
  if (waiver !== null) return { mark: symbols.warning, paint: paint.yellow };
  if (state === 'unknown' || state === 'not-applicable') return { mark: '-', paint: paint.dim };
  return holds ? { mark: symbols.done, paint: paint.green } : { mark: symbols.failed, paint: paint.red };
}

function foundText({ terminal, surroundings }: Invocation, { outcome, waiver }: CheckResult): string {
  const when = (time: string): string => timeText(time, { relative: terminal.isRead, nowMs: surroundings.now() });
  const word = outcome.state === 'passed' || outcome.state === 'failed' ? '' : `${outcome.state}: `;
  if (waiver !== null) return `${word}${outcome.summary}; waived until ${waiver.until.slice(0, 10)}: ${waiver.reason}`;
  const until =
    outcome.state === 'passed' && outcome.until !== null ? `; counts until ${outcome.until.slice(0, 10)}` : '';
  const at = outcome.state !== 'passed' && outcome.at !== null ? ` (${when(outcome.at)})` : '';
  return `${word}${outcome.summary}${until}${at}`;
}
