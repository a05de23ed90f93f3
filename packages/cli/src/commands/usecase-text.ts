import type { ReviewAdvice, UseCase } from '@muster-ml/protocol';
import type { Terminal } from '../output/terminal.ts';
import { safeText } from '../output/text-width.ts';

/** What a review speaks for, in words. */
export const adviceText: Readonly<Record<ReviewAdvice['advice'], string>> = {
  accept: 'it speaks for accepting',
  clarify: 'something is to be cleared up first',
  decline: 'it speaks for declining',
};

/** The reasons of a review, a line each: those against it first. */
export function reasonLines({ symbols }: Terminal, { reasons }: Pick<ReviewAdvice, 'reasons'>): readonly string[] {
  return reasons.map((reason) => `  ${symbols.dot} ${safeText(reason)}`);
}

/** `fraud found: 0.8 percent`, or the day by which the target will be known. */
export function metricText(metric: UseCase['metric']): string | undefined {
  if (metric === null) return undefined;
  const { name, unit, target, targetKnownBy } = metric;
  return `${name}: ${target === null ? `target known by ${targetKnownBy ?? '-'}` : `${target} ${unit}`.trimEnd()}`;
}

/** `120 EUR per fraud found` */
export function valueText(value: UseCase['value']): string | undefined {
  return value === null ? undefined : `${value.amount} ${value.currency} per ${value.per}`;
}

/** Who did something: a name, else the id of somebody who is no more. */
export function whoText({ by }: { readonly by: { readonly id: string; readonly name: string | null } }): string {
  return by.name ?? by.id;
}
