import picocolors from 'picocolors';
import type { Sink, Surroundings } from '../surroundings.ts';

export type ColorChoice = 'auto' | 'always' | 'never';
export type Paint = ReturnType<typeof picocolors.createColors>;

/** Signs that never stand alone: a word says the same. */
export interface Symbols {
  readonly done: string;
  readonly failed: string;
  readonly warning: string;
  readonly ellipsis: string;
  readonly arrow: string;
  readonly dot: string;
  readonly spinner: readonly string[];
}

const unicodeSymbols: Symbols = {
  done: '✓',
  failed: '✗',
  warning: '▲',
  ellipsis: '…',
  arrow: '→',
  dot: '·',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
};

const asciiSymbols: Symbols = {
  done: 'ok',
  failed: 'x',
  warning: '!',
  ellipsis: '...',
  arrow: '->',
  dot: '-',
  spinner: ['|', '/', '-', '\\'],
};

/** Data goes to standard output, all else to standard error; what a pipe gets is the same text without colours. */
export interface Terminal {
  /** Columns of standard output; infinite when it is no terminal, so that a pipe gets whole cells. */
  readonly width: number;
  /** Columns of standard error: a line that is rewritten may not be longer. */
  readonly liveWidth: number;
  readonly symbols: Symbols;
  /** Colours of standard output. */
  readonly paint: Paint;
  /** Colours of standard error. */
  readonly paintNotes: Paint;
  /** A person looks at standard output: times are relative. */
  readonly isRead: boolean;
  /** A person looks at standard error: its last line may be rewritten. */
  readonly isLive: boolean;
  /** Somebody can be asked. */
  readonly isInteractive: boolean;
  readonly isQuiet: boolean;
  /** Data. */
  print(text: string): void;
  /** Everything that is not data; silent with --quiet. */
  note(text: string): void;
  /** As `note`, but never silent: warnings and errors. */
  warn(text: string): void;
  /** Rewrites the last line of a live terminal; an empty text clears it. */
  rewrite(text: string): void;
}

export function createTerminal(
  surroundings: Surroundings,
  options: { readonly color: ColorChoice; readonly quiet: boolean },
): Terminal {
  const { env, stdin, stdout, stderr } = surroundings;
  const isCi = (env['CI'] ?? '') !== '' && env['CI'] !== 'false';
  const isLive = stderr.isTTY === true && !isCi && env['TERM'] !== 'dumb';
  return {
    width: stdout.isTTY === true ? stdout.columns || 80 : Infinity,
    liveWidth: stderr.columns || 80,
    symbols: hasUnicode(surroundings) ? unicodeSymbols : asciiSymbols,
    paint: picocolors.createColors(hasColor(stdout, env, options.color)),
    paintNotes: picocolors.createColors(hasColor(stderr, env, options.color)),
    isRead: stdout.isTTY === true,
    isLive,
    isInteractive: stdin.isTTY === true && stderr.isTTY === true && !isCi,
    isQuiet: options.quiet,
    print: (text) => void stdout.write(`${text}\n`),
    note(text) {
      if (!options.quiet) stderr.write(`${text}\n`);
    },
    warn: (text) => void stderr.write(`${text}\n`),
    rewrite(text) {
      if (isLive && !options.quiet) stderr.write(`\r\u001b[K${text}`);
    },
  };
}

/** `--color` decides, then NO_COLOR, FORCE_COLOR and TERM=dumb, then whether it is a terminal. */
function hasColor(sink: Sink, env: Surroundings['env'], choice: ColorChoice): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return sink.isTTY === true && env['TERM'] !== 'dumb';
}

function hasUnicode({ env, platform }: Surroundings): boolean {
  if (platform === 'win32') return env['WT_SESSION'] !== undefined || env['TERM_PROGRAM'] === 'vscode';
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return locale === '' ? platform === 'darwin' : /utf-?8/i.test(locale);
}
