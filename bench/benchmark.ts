import type { Series } from './chart.ts';
import type { Machine } from './machine.ts';
import type { Ratio } from './ratio.ts';

/** Where a ratio has to be, and which runs say so. */
export interface Accepted {
  readonly min?: number;
  readonly max?: number;
  /** The runs that the range came from. */
  readonly from: string;
}

/** One measured ratio and its judgement. */
export interface Figure {
  readonly id: string;
  /** What is divided by what. */
  readonly what: string;
  readonly ratio: Ratio;
  readonly accepted: Accepted;
  /** What the design asks for, where that is another number than what is accepted. */
  readonly goal?: string;
  /** Whether the median is in the accepted range. */
  readonly isAccepted: boolean;
}

export interface Measurement {
  readonly figures: readonly Figure[];
  /** The values behind the ratios, with the unit in each name. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Lines over a common axis, to be drawn under the ratios. */
  readonly curves?: Curves;
}

export interface Curves {
  readonly title: string;
  readonly across: string;
  readonly up: string;
  readonly series: readonly Series[];
}

export interface BenchmarkOptions {
  /** Fewer and shorter rounds: shows that it works, not how fast it is. */
  readonly isQuick: boolean;
  readonly log: (line: string) => void;
}

/** One file of this folder. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  measure(options: BenchmarkOptions): Promise<Measurement>;
}

/** What is written to `results/<name>.json`. */
export interface Result extends Measurement {
  readonly name: string;
  readonly title: string;
  readonly ranOn: string;
  readonly machine: Machine;
}

export function figureOf(id: string, what: string, ratio: Ratio, accepted: Accepted, goal?: string): Figure {
  const isAccepted = ratio.median >= (accepted.min ?? -Infinity) && ratio.median <= (accepted.max ?? Infinity);
  return { id, what, ratio, accepted, ...(goal === undefined ? {} : { goal }), isAccepted };
}

/** A figure as a line of text. */
export function describeFigure({ id, what, ratio, accepted, isAccepted }: Figure): string {
  const range = [
    accepted.min === undefined ? '' : `≥ ${accepted.min}`,
    accepted.max === undefined ? '' : `≤ ${accepted.max}`,
  ]
    .filter((part) => part !== '')
    .join(' and ');
  return `${isAccepted ? 'ok  ' : 'MISS'} ${id}: ${ratio.median} (${ratio.min} to ${ratio.max}; accepted ${range})  ${what}`;
}
