import type { UseCase } from '@muster-ml/protocol';
import { readTime } from '../units/time.ts';
import { UsageError } from '../usage-error.ts';

/** What is written down of a use case, as flags. An empty text takes it away again. */
export interface UseCaseFieldFlags {
  readonly title?: string;
  readonly problem?: string;
  readonly supports?: string;
  readonly baseline?: string;
  readonly metric?: string;
  readonly unit?: string;
  readonly target?: string;
  readonly targetKnownBy?: string;
  readonly value?: string;
  readonly currency?: string;
  readonly per?: string;
  readonly sponsor?: string;
  readonly alternatives?: string;
}

type Fields = Pick<
  UseCase,
  'title' | 'problem' | 'supports' | 'baseline' | 'metric' | 'value' | 'sponsor' | 'alternatives'
>;
type Metric = NonNullable<UseCase['metric']>;
type Value = NonNullable<UseCase['value']>;

/**
 * The fields that flags give. Parts of a metric or a value that are not given are those of `before`. Throws `UsageError`
 * where something is no number or date, or only a part of what belongs together is given.
 */
export function readUseCaseFields(
  flags: UseCaseFieldFlags,
  before: Partial<Pick<UseCase, 'metric' | 'value'>>,
  nowMs: number,
): Partial<Fields> {
  const { title, problem, supports, baseline, sponsor, alternatives } = flags;
  const texts = { title, problem, supports, baseline, sponsor, alternatives };
  const metric = readMetric(flags, before.metric ?? undefined, nowMs);
  const value = readValue(flags, before.value ?? undefined);
  return {
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined)),
    ...(metric === undefined ? {} : { metric }),
    ...(value === undefined ? {} : { value }),
  };
}

function readMetric(flags: UseCaseFieldFlags, before: Metric | undefined, nowMs: number): Metric | null | undefined {
  const { metric: name, unit, target, targetKnownBy } = flags;
  if (name === undefined && unit === undefined && target === undefined && targetKnownBy === undefined) return undefined;
  if (target !== undefined && targetKnownBy !== undefined)
    throw new UsageError(
      'a target that is known needs no day by which it will be',
      'Give either --target or --target-known-by.',
      '--target-known-by',
    );
  if (name === '') return null;
  const named = name ?? before?.name;
  if (named === undefined)
    throw new UsageError('what is measured has no name yet', 'Add --metric "fraud found".', '--metric');
  const goal =
    target !== undefined
      ? { target: readNumber('--target', target), targetKnownBy: null }
      : targetKnownBy !== undefined
        ? { target: null, targetKnownBy: readDay('--target-known-by', targetKnownBy, nowMs) }
        : before;
  if (goal === undefined)
    throw new UsageError(
      `nothing says when ${named} is good enough`,
      'Add --target 0.8, or --target-known-by 2027-03-31 where nobody can know it yet.',
      '--target',
    );
  return { name: named, unit: unit ?? before?.unit ?? '', target: goal.target, targetKnownBy: goal.targetKnownBy };
}

function readValue(flags: UseCaseFieldFlags, before: Value | undefined): Value | null | undefined {
  const { value: amount, currency, per } = flags;
  if (amount === undefined && currency === undefined && per === undefined) return undefined;
  if (amount === '') return null;
  const value = {
    amount: amount === undefined ? before?.amount : readNumber('--value', amount),
    currency: currency ?? before?.currency,
    per: per ?? before?.per,
  };
  if (value.amount === undefined || value.currency === undefined || value.per === undefined)
    throw new UsageError(
      'what one success is worth takes an amount, a currency, and what is worth that',
      'Write `--value 120 --currency EUR --per "fraud found"`.',
      '--value',
    );
  return { amount: value.amount, currency: value.currency, per: value.per };
}

function readNumber(flag: string, text: string): number {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`\`${text}\` is no number`, `Write \`${flag} 0.8\`.`, flag);
}

function readDay(flag: string, text: string, nowMs: number): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return readTime(flag, text, nowMs).slice(0, 10);
  throw new UsageError(`\`${text}\` is no day`, `Write \`${flag} 2027-03-31\`.`, flag);
}
