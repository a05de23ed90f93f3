import type { Terminal } from './terminal.ts';
import { fitText } from './text-width.ts';
import { durationText } from '../units/duration.ts';

/** One step of a command that a person waits for. */
export interface Step {
  /** What it does now, such as `uploading 12 of 40 MiB`. */
  update(text: string): void;
  /** Ends the step with a line `✓ text`. */
  done(text: string): void;
  /** Ends the step with a line `✗ text`; the error follows from elsewhere. */
  fail(text: string): void;
  /** Ends the step without a line. */
  drop(): void;
}

/** Nothing that takes less shows that it runs. */
const silentMs = 300;
/** How often a plain log tells that a step still runs. */
const plainEveryMs = 10_000;

/**
 * Starts a step. On a terminal a line with a spinner appears after 300 ms and becomes the line of the result; elsewhere a
 * step is one plain line, and a long one says now and then that it goes on.
 */
export function beginStep(terminal: Terminal, what: string, now: () => number = Date.now): Step {
  const { symbols, paintNotes } = terminal;
  const startedAt = now();
  let text = what;
  let frame = 0;
  const timer = terminal.isLive
    ? setInterval(showLive, 100)
    : setInterval(
        () => terminal.note(`  ${text} ${symbols.ellipsis} ${durationText(now() - startedAt)}`),
        plainEveryMs,
      );
  timer.unref();

  function showLive(): void {
    if (now() - startedAt < silentMs) return;
    frame = (frame + 1) % symbols.spinner.length;
    const shown = fitText(text, terminal.liveWidth - 3, symbols.ellipsis);
    terminal.rewrite(`${paintNotes.cyan(symbols.spinner[frame] ?? '')} ${shown}`);
  }

  function end(line: string | undefined): void {
    clearInterval(timer);
    terminal.rewrite('');
    if (line !== undefined) terminal.note(line);
  }

  return {
    update(next) {
      text = next;
    },
    done: (result) => end(`${paintNotes.green(symbols.done)} ${result}`),
    fail: (result) => end(`${paintNotes.red(symbols.failed)} ${result}`),
    drop: () => end(undefined),
  };
}
