import { type Outcome, dayMs } from './check.ts';
import type { EvidenceFacts, Facts } from './facts.ts';

/** What dated evidence is asked for. */
export interface DatedEvidence {
  readonly check: string;
  readonly source: EvidenceFacts['source'];
  /** How long it counts. */
  readonly days: number;
  /** What is said where there is none. */
  readonly missing: string;
  /** The command that gets it anew. */
  readonly remedy: string;
}

/** The newest evidence of a source for a check. */
export function newestEvidence(
  { evidence }: Facts,
  check: string,
  source: EvidenceFacts['source'],
): EvidenceFacts | undefined {
  let newest: EvidenceFacts | undefined;
  for (const one of evidence)
    if (one.check === check && one.source === source && (newest === undefined || one.at > newest.at)) newest = one;
  return newest;
}

/** Judges by the newest evidence: it is there, it passed, and it is not too old. Its version is named. */
export function judgeDated(facts: Facts, asked: DatedEvidence): Outcome {
  const { days, remedy } = asked;
  const found = newestEvidence(facts, asked.check, asked.source);
  if (found === undefined) return { state: 'missing', summary: asked.missing, remedy };
  const { at, id: evidence } = found;
  const about = found.version === null ? '' : ` (with ${found.version.model}:${found.version.number})`;
  const summary = `${found.summary}${about}`;
  if (!found.passed) return { state: 'failed', summary, at, evidence, remedy };
  const until = at + days * dayMs;
  if (facts.now >= until)
    return { state: 'stale', summary: `older than ${days} days: ${summary}`, at, until, evidence, remedy };
  return { state: 'passed', summary, at, until, evidence };
}

/** For what Muster cannot find out itself of an endpoint that runs elsewhere: a person signs for it. */
export function judgeAttested(facts: Facts, check: string, days: number): Outcome {
  return judgeDated(facts, {
    check,
    source: 'person',
    days,
    missing: 'something else serves it, and nobody has signed for this yet',
    remedy: attestCommand(facts, check),
  });
}

/** The command with which a person signs. */
export function attestCommand({ endpoint }: Facts, check: string): string {
  return `muster evidence attest ${endpoint?.name ?? 'ENDPOINT'} ${check} --statement TEXT`;
}
