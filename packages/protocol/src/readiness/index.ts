export { type Check, type Outcome, dayMs } from './check.ts';
export { checks } from './checks/index.ts';
export type * from './facts.ts';
export { type JudgedCheck, type JudgedChecks, type JudgeOptions, judge } from './judge.ts';
export { adviceOf } from './review-advice.ts';
export { verdictDocument } from './verdict-document.ts';
export { approvalsNeeded, requiredLevel, requiredLevels, rubricEdition } from './rubric.ts';
