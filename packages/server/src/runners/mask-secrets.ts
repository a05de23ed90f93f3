import type { Problem } from '@muster-ml/protocol';

/**
 * Blanks the values of secrets wherever they stand: as they are, a line of them, and as JSON, URLs and base64 write them.
 * What a model does to a value before it prints it, nobody can undo.
 */
export interface Mask {
  /** The first `maxChars` characters of a text, without values. */
  text(text: string, maxChars?: number): string;
  /** A problem without values: an exception's text may hold what a model was given. */
  problem(problem: Problem): Problem;
  /** Most characters that one value takes: a text is cut this far behind the place where it will be, or half of one stays. */
  readonly longestPart: number;
}

const mark = '•••';
/** Shorter parts of a value of several lines say nothing, and would blank half of a log. */
const minPartChars = 4;
/** Of a value with more lines, the longest are looked for one by one. */
const mostLines = 500;
/** Of an exception's text, the host sees no more than this. */
const mostCutChars = 1000;

export function createMask(values: Iterable<string>): Mask {
  const parts = partsOf(values);
  const index = indexOf(parts);
  const text = (given: string, maxChars = Number.POSITIVE_INFINITY): string => {
    let masked = '';
    let from = 0;
    for (const [start, end] of placesOf(index, given)) {
      if (start >= maxChars) break;
      masked += given.slice(from, start) + mark;
      from = end;
    }
    return from >= maxChars ? masked : masked + given.slice(from, maxChars);
  };
  return {
    text,
    problem(problem) {
      if (parts.length === 0) return problem;
      const { details } = problem;
      return {
        ...problem,
        detail: withoutCutPart(text(problem.detail), parts),
        ...(details === undefined
          ? {}
          : { details: JSON.parse(text(JSON.stringify(details))) as Record<string, unknown> }),
      };
    },
    longestPart: parts[0]?.length ?? 0,
  };
}

/** Longest first. */
function partsOf(values: Iterable<string>): readonly string[] {
  const parts = new Set<string>();
  for (const value of values) {
    const lines = value.split(/\r?\n/).map((line) => line.trim());
    for (const part of [value, ...lines.toSorted((x, y) => y.length - x.length).slice(0, mostLines)]) {
      if (part.length < minPartChars) continue;
      const json = JSON.stringify(part).slice(1, -1);
      const base64 = Buffer.from(part).toString('base64').replace(/=+$/, '');
      for (const form of [part, json, encodeURIComponent(part), base64]) parts.add(form);
    }
  }
  return [...parts].toSorted((x, y) => y.length - x.length);
}

/** Parts by how they begin: looking for each of thousands in every line would hold up the supervisor. */
function indexOf(parts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  return Map.groupBy(parts, (part) => part.slice(0, minPartChars));
}

/** Where parts stand, in order, those that touch as one. */
function placesOf(index: ReadonlyMap<string, readonly string[]>, text: string): readonly (readonly [number, number])[] {
  const places: [number, number][] = [];
  for (let at = 0; at + minPartChars <= text.length; at += 1) {
    const longest = index.get(text.slice(at, at + minPartChars))?.find((part) => text.startsWith(part, at));
    if (longest === undefined) continue;
    const last = places.at(-1);
    if (last !== undefined && at <= last[1]) last[1] = Math.max(last[1], at + longest.length);
    else places.push([at, at + longest.length]);
  }
  return places;
}

/** The text without a value that it breaks off in: runtimes cut long messages, and half of a value is found by no search. */
function withoutCutPart(text: string, parts: readonly string[]): string {
  const end = / ?…$/.exec(text)?.[0] ?? '';
  const whole = text.slice(0, text.length - end.length);
  for (let chars = Math.min(whole.length, mostCutChars); chars >= minPartChars; chars -= 1) {
    const tail = whole.slice(-chars);
    if (parts.some((part) => part.startsWith(tail))) return whole.slice(0, -chars) + mark + end;
  }
  return text;
}
