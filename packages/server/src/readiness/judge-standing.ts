import { judge } from '@muster-ml/protocol';
import type { LedgerActor } from '../ledger/index.ts';
import type { Tx } from '../platform/database/index.ts';
import { type Loaded, loadFacts } from './load-facts.ts';
import { type NextStanding, nextStanding } from './next-standing.ts';
import type { ReadinessParts } from './parts.ts';

/** In whose name a standing changes. */
export interface Cause {
  readonly actor: LedgerActor;
  readonly request: string;
}

type JudgeParts = Pick<ReadinessParts, 'standings' | 'environment' | 'clock'>;
type AboutEndpoint = Loaded['endpoint'];

const bySystem: Cause = { actor: { kind: 'system', id: 'readiness' }, request: 'readiness' };

/** Judges what is live under an endpoint in the transaction, and changes its standing accordingly. */
export async function judgeStanding(parts: JudgeParts, tx: Tx, endpoint: AboutEndpoint): Promise<void> {
  await changeStanding(parts, tx, endpoint, bySystem, () => true);
}

/**
 * The same after a decision, which may give a standing and never takes one: of a lapse it is certain only who looks twice,
 * and not while a drill serves something else.
 */
export async function grantStanding(parts: JudgeParts, tx: Tx, endpoint: AboutEndpoint, cause: Cause): Promise<void> {
  await changeStanding(parts, tx, endpoint, cause, ({ what }) => what !== 'lapsed');
}

async function changeStanding(
  { standings, environment, clock }: JudgeParts,
  tx: Tx,
  endpoint: AboutEndpoint,
  cause: Cause,
  isMeant: (next: NextStanding) => boolean,
): Promise<void> {
  const now = clock.now();
  const loaded = (await loadFacts(tx, [endpoint.id], { environment, now })).get(endpoint.id);
  if (loaded === undefined) return;
  const { facts, subject, approved } = loaded;
  const record = (await standings.of([endpoint.id], tx)).get(endpoint.id);
  const next = nextStanding(record, { judged: judge(facts), approved });
  if (next === undefined || !isMeant(next)) return;
  const about = {
    model: subject?.model ?? record?.model ?? null,
    version: subject?.version ?? record?.version ?? null,
  };
  const { what, state, reasons } = next;
  await standings.change(tx, {
    endpoint,
    what,
    becomes: { state, since: now, reasons, submission: approved ?? record?.submission ?? null, ...about },
    reasons,
    ...about,
    actor: cause.actor,
    action: `system.standing.${what}`,
    request: cause.request,
    at: now,
    ctx: { submission: approved, subjectDigest: facts.subjectDigest },
  });
}
