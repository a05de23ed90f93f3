import { z } from 'zod';
import { someoneSchema } from './someone.ts';
import { slugSchema, timeSchema } from './names.ts';
import { pageQuerySchema } from './pages.ts';

/** How much harm a wrong answer may do, which decides what production asks for. */
export const riskTiers = ['minimal', 'limited', 'high'] as const;

export const riskTierSchema = z.enum(riskTiers);

export type RiskTier = z.infer<typeof riskTierSchema>;

/** `live` is an accepted one of which an endpoint answers; it is not stored. */
export const useCaseStates = ['proposed', 'accepted', 'declined', 'live', 'retired'] as const;

export type UseCaseState = (typeof useCaseStates)[number];

const text = z.string().max(4000);

/** What success is measured by. A target that nobody knows before there is data is a date by which it will be known. */
export const successMetricSchema = z
  .strictObject({
    name: z.string().min(1).max(200).describe('What is measured, such as share of fraud found'),
    unit: z.string().max(50).default('').describe('Its unit, such as percent'),
    target: z.number().nullable().default(null).describe('What it has to reach; null while it is not known'),
    targetKnownBy: z.iso
      .date()
      .nullable()
      .default(null)
      .describe('Day by which the target will be known, while there is none'),
  })
  .refine(({ target, targetKnownBy }) => (target === null) === (targetKnownBy !== null), {
    message: 'give either a target, or the day by which it will be known',
    path: ['target'],
  });

export const unitValueSchema = z.strictObject({
  amount: z.number().min(0).max(1e12),
  currency: z.string().regex(/^[A-Z]{3}$/, 'is three capital letters, such as EUR'),
  per: z.string().min(1).max(200).describe('What is worth that, such as fraud found'),
});

const fields = {
  title: z.string().min(1).max(200).describe('What it is, in a line'),
  problem: text.min(1).describe('What is wrong today, and for whom'),
  supports: text.describe('The decision that the model supports, and who takes it'),
  baseline: text.describe('How it is done today, and how well'),
  metric: successMetricSchema.nullable(),
  value: unitValueSchema.nullable().describe('What one success is worth'),
  sponsor: z.string().max(200).describe('Who pays for it'),
  alternatives: text.describe('What was considered instead of machine learning'),
};

/** Proposes a use case. What is not known yet may be left out; the review asks for it. */
export const proposeUseCaseSchema = z.strictObject({
  name: slugSchema,
  team: slugSchema.default('default'),
  title: fields.title,
  problem: fields.problem,
  supports: fields.supports.default(''),
  baseline: fields.baseline.default(''),
  metric: fields.metric.default(null),
  value: fields.value.default(null),
  sponsor: fields.sponsor.default(''),
  alternatives: fields.alternatives.default(''),
});

export type ProposeUseCase = z.output<typeof proposeUseCaseSchema>;

export const updateUseCaseSchema = z.strictObject(fields).partial();

/** The questions of the guided review, in the order in which they are asked. */
export const reviewQuestions = {
  decision: {
    text: 'Is there a decision that the answer changes, and somebody who takes it?',
    why: 'A prediction that changes nothing is worth nothing.',
  },
  baseline: {
    text: 'Is it known how well it is done today?',
    why: 'Without a baseline nobody can say whether the model helps.',
  },
  labels: {
    text: 'Are there examples with the right answer, or will there be?',
    why: 'A model learns from outcomes, and is judged by them.',
  },
  volume: {
    text: 'Does it happen often enough to be worth a model?',
    why: 'A model has to be looked after every day, however rarely it is asked.',
  },
  tolerance: {
    text: 'May some of the answers be wrong, and does somebody notice?',
    why: 'Every model errs; where no error is allowed, it is the wrong tool.',
  },
  rule: {
    text: 'Was it tried whether a simple rule or a report would do?',
    why: 'A rule is cheaper to run, to explain and to change.',
  },
} as const;

export type ReviewQuestion = keyof typeof reviewQuestions;

export const reviewAnswerSchema = z.strictObject({
  answer: z.enum(['yes', 'no', 'unknown']),
  note: z.string().max(2000).default(''),
});

/**
 * Answers of the review. For `rule`, yes means that it was tried and does not do: yes speaks for a model in every question.
 */
export const reviewUseCaseSchema = z.strictObject({
  answers: z.strictObject({
    decision: reviewAnswerSchema,
    baseline: reviewAnswerSchema,
    labels: reviewAnswerSchema,
    volume: reviewAnswerSchema,
    tolerance: reviewAnswerSchema,
    rule: reviewAnswerSchema,
  }),
});

export type ReviewAnswers = z.output<typeof reviewUseCaseSchema>['answers'];

/** What the answers speak for; people decide. */
export const reviewAdviceSchema = z.object({
  advice: z.enum(['accept', 'clarify', 'decline']),
  /** Why, question by question: those that speak against it first. */
  reasons: z.array(z.string()),
});

export type ReviewAdvice = z.infer<typeof reviewAdviceSchema>;

const reason = z.string().min(10, 'say why in a sentence').max(4000);

export const acceptUseCaseSchema = z.strictObject({
  reason,
  riskTier: riskTierSchema.describe('How much harm a wrong answer may do'),
});

export const declineUseCaseSchema = z.strictObject({ reason });

export const retireUseCaseSchema = z.strictObject({ reason });

export const useCaseSchema = z.object({
  name: slugSchema,
  team: slugSchema,
  ...fields,
  state: z.enum(useCaseStates),
  riskTier: riskTierSchema.nullable(),
  proposed: z.object({ by: someoneSchema, at: timeSchema }),
  review: z
    .object({
      answers: reviewUseCaseSchema.shape.answers,
      ...reviewAdviceSchema.shape,
      by: someoneSchema,
      at: timeSchema,
    })
    .nullable(),
  /** The last decision: accepted, declined or retired. */
  decided: z
    .object({
      as: z.enum(['accepted', 'declined', 'retired']),
      reason: z.string(),
      by: someoneSchema,
      at: timeSchema,
      /** Number of the entry of the ledger, for `muster audit prove`. */
      entry: z.number().int(),
    })
    .nullable(),
  /** Names of its endpoints, as far as the caller may see them. */
  endpoints: z.array(slugSchema),
  revision: z.number().int(),
});

export type UseCase = z.infer<typeof useCaseSchema>;

export const useCaseQuerySchema = z.strictObject({
  ...pageQuerySchema.shape,
  team: slugSchema.optional(),
  state: z.enum(useCaseStates).optional(),
});
