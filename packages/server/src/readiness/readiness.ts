import type {
  Page,
  PageQuery,
  Readiness as ReadinessDocument,
  StandingEvent,
  Submission,
  SubmissionQuery,
} from '@muster-ml/protocol';
import type { Caller } from '../identity/index.ts';
import type { DrillHold, RecordEvidence } from './contract.ts';
import { approve, reject } from './decide-submission.ts';
import { createDrillHold } from './drill-hold.ts';
import { type EvidenceRoom, createEvidence } from './evidence-room.ts';
import type { ReadinessParts } from './parts.ts';
import { readEndpoint, readVersion } from './read-readiness.ts';
import { getSubmission, listStandingEvents, listSubmissions } from './read-submissions.ts';
import { createStandingWatch } from './standing-watch.ts';
import { submit } from './submit.ts';

export interface ReadinessRoomParts extends Omit<ReadinessParts, 'poke'> {
  /** How often standings are judged. */
  readonly everyMs: number;
  readonly onError: (error: unknown) => void;
}

/** What production asks for, what is there, and who answers for it. What each use case throws is said where it is written. */
export interface Readiness {
  readonly environment: string;
  readEndpoint(caller: Caller, endpoint: string, version: number | undefined): Promise<ReadinessDocument>;
  readVersion(caller: Caller, model: string, version: number): Promise<ReadinessDocument>;
  submit(
    caller: Caller,
    endpoint: string,
    wish: { readonly version?: number | undefined; readonly note: string },
  ): Promise<Submission>;
  approve(
    caller: Caller,
    submission: string,
    decision: { readonly reason: string; readonly evidenceDigest: string },
  ): Promise<Submission>;
  reject(caller: Caller, submission: string, decision: { readonly reason: string }): Promise<Submission>;
  getSubmission(caller: Caller, submission: string): Promise<Submission>;
  listSubmissions(caller: Caller, query: SubmissionQuery): Promise<Page<Submission>>;
  listStandingEvents(caller: Caller, endpoint: string, query: PageQuery): Promise<Page<StandingEvent>>;
  readonly evidence: EvidenceRoom;
  readonly recordEvidence: RecordEvidence;
  /** What drills hold while they work. */
  readonly hold: DrillHold;
  /** Judges every standing, now and from time to time; called once. */
  start(): void;
  /** Judges every standing once. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export function createReadiness(given: ReadinessRoomParts): Readiness {
  const hold = createDrillHold();
  const watch = createStandingWatch({ ...given, isHeld: hold.isHeld });
  const parts: ReadinessParts = { ...given, poke: () => watch.poke() };
  const evidence = createEvidence({ ...given, onChange: () => watch.poke() });
  return {
    environment: given.environment,
    readEndpoint: async (caller, endpoint, version) => await readEndpoint(parts, caller, endpoint, version),
    readVersion: async (caller, model, version) => await readVersion(parts, caller, model, version),
    async submit(caller, endpoint, wish) {
      return await getSubmission(parts, caller, await submit(parts, caller, endpoint, wish));
    },
    async approve(caller, submission, decision) {
      await approve(parts, caller, submission, decision);
      return await getSubmission(parts, caller, submission);
    },
    async reject(caller, submission, decision) {
      await reject(parts, caller, submission, decision);
      return await getSubmission(parts, caller, submission);
    },
    getSubmission: async (caller, submission) => await getSubmission(parts, caller, submission),
    listSubmissions: async (caller, query) => await listSubmissions(parts, caller, query),
    listStandingEvents: async (caller, endpoint, query) => await listStandingEvents(parts, caller, endpoint, query),
    evidence,
    recordEvidence: evidence.record,
    hold: {
      hold: (endpointId, busy) => hold.hold(endpointId, busy),
      release(endpointId) {
        hold.release(endpointId);
        watch.poke();
      },
    },
    start: () => watch.start(),
    look: async () => await watch.look(),
    stop: async () => await watch.stop(),
  };
}
