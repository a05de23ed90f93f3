import { type Check, type Evidence, MusterError, type attestSchema } from '@muster-ml/protocol';
import type { z } from 'zod';
import type { Caller } from '../identity/index.ts';
import { renderEvidence } from './evidence.ts';
import { type AboutEndpoint, type EvidenceParts, authorizedEndpoint, checkOf, findEndpoint } from './evidence-parts.ts';
import { recordEvidence } from './evidence-recording.ts';

export type Attestation = z.output<typeof attestSchema>;

/**
 * Somebody says that a check of an endpoint holds, or does not, and signs for it. Throws `endpoint_not_found`,
 * `not_allowed`, `invalid_request`, and `check_not_attested` for what nobody's word stands in for.
 */
export async function attest(parts: EvidenceParts, caller: Caller, name: string, wish: Attestation): Promise<Evidence> {
  await authorizedEndpoint(parts, caller, 'evidence.attest', name);
  const check = checkOf(wish.check);
  const record = await parts.database.inTransaction(async (tx) => {
    const endpoint = await findEndpoint(tx, name);
    refuseUnattested(check, endpoint);
    return await recordEvidence(parts, tx, caller, {
      endpoint,
      check: check.id,
      source: 'person',
      // What a person looked at is not bound to what is live: checks that are say so by a figure.
      model: null,
      version: null,
      passed: wish.passed,
      summary: wish.statement,
      figures: figuresOf(check, endpoint, wish.figures),
    });
  });
  // Once more: what is judged between the note and the commit does not see it yet.
  parts.onChange();
  return renderEvidence(record, name, caller.actor.name);
}

/** Throws `check_not_attested`. Pure. */
export function refuseUnattested(check: Check, { kind, name }: Pick<AboutEndpoint, 'kind' | 'name'>): void {
  if (!check.appliesTo.includes(kind))
    throw new MusterError('check_not_attested', `${check.id} does not apply to what something else serves`, {
      remedy: `See which do: muster check ${name}`,
    });
  // It is signed for by approving a submission, which is bound to what was seen.
  if (check.id === 'R19')
    throw new MusterError('check_not_attested', 'a review is an approval of a submission', {
      remedy: `Ask for it: muster submit ${name}`,
    });
  if (check.collected === 'person' || (kind === 'observed' && check.attestedWhereObserved === true)) return;
  throw new MusterError('check_not_attested', `nobody's word stands in for ${check.id}: ${check.evidence}`, {
    remedy: `Get it: ${check.remedy.replaceAll('ENDPOINT', name)}`,
  });
}

/** What is signed is the page that the endpoint names now. Throws `check_not_attested`, `invalid_request`. Pure. */
export function figuresOf(
  check: Pick<Check, 'id'>,
  { name, runbook }: Pick<AboutEndpoint, 'name' | 'runbook'>,
  figures: Evidence['figures'],
): Evidence['figures'] {
  if (check.id !== 'R29') return figures;
  if (runbook === null)
    throw new MusterError('check_not_attested', `${name} names no runbook that could have been read`, {
      remedy: `Name it first: muster endpoint update ${name} --runbook URL`,
    });
  const read = figures['runbook'];
  if (read !== undefined && read !== runbook)
    throw new MusterError('invalid_request', `the runbook of ${name} is ${runbook}, which is not what was read`, {
      place: 'body.figures.runbook',
      remedy: 'Read the one that it names now.',
    });
  return { ...figures, runbook };
}
