import type { Objective, ServingSettings } from '../management/endpoints.ts';
import type { ModelFacts } from '../management/models.ts';
import type { RiskTier, UseCaseState } from '../management/use-cases.ts';

/** Times in this folder are milliseconds since the epoch. */

/** What is known of the endpoint itself. */
export interface EndpointFacts {
  readonly name: string;
  readonly team: string;
  readonly kind: 'served' | 'observed';
  readonly objective: Objective | null;
  readonly runbook: string | null;
}

/** Whom to ask about it. */
export interface OwnerFacts {
  readonly id: string;
  readonly name: string;
  readonly isPerson: boolean;
  /** Not disabled. */
  readonly isActive: boolean;
  /** Holds a role in the team of the endpoint. */
  readonly isMember: boolean;
  /** When a token of theirs was used last; null: never. */
  readonly seenAt: number | null;
}

export interface UseCaseFacts {
  readonly name: string;
  readonly state: UseCaseState;
  readonly riskTier: RiskTier | null;
  readonly decidedAt: number | null;
}

/** What is known of the version that is judged; of a file that is not registered yet, the number is null. */
export interface VersionFacts {
  readonly model: string;
  readonly number: number | null;
  /** SHA-256 of the file. */
  readonly digest: string;
  readonly facts: ModelFacts;
  /** Whether names and types of inputs and outputs are known. */
  readonly hasSignature: boolean;
  /** Whether rows with the answers of the training library came with it. */
  readonly hasSample: boolean;
  /** Null where it is not registered. */
  readonly createdAt: number | null;
  readonly createdBy: string | null;
}

/** How the version is served here. */
export interface DeploymentFacts {
  readonly role: 'live' | 'canary' | 'shadow';
  readonly settings: ServingSettings;
  readonly isReady: boolean;
  /** When each of its replicas last had the answers of the sample, in the environment of now; null: not yet. */
  readonly sampleProvenAt: number | null;
  /** Why it is not ready, where it is not: the code, such as `sample_differs`, and a sentence. */
  readonly problem: { readonly code: string; readonly detail: string } | null;
}

/** A time in which the version was canary or shadow under this endpoint. */
export interface ComparisonFacts {
  readonly role: 'canary' | 'shadow';
  readonly from: number;
  /** Null while it lasts. */
  readonly until: number | null;
  /** Requests that the version answered under this endpoint, or got copies of, in that time; null where it is not counted. */
  readonly requests: number | null;
  readonly errors: number | null;
}

/** One access rule, and when it was last used. */
export interface AccessFacts {
  /** Name of the actor or the team that it lets in. */
  readonly subject: string;
  readonly subjectKind: 'actor' | 'team';
  readonly createdAt: number;
  readonly expiresAt: number | null;
  /** Whether the actor can still sign in, or the team has members. */
  readonly isAlive: boolean;
  /** When somebody whom it lets in called the endpoint last; null: never since. */
  readonly usedAt: number | null;
}

/** Something that a drill found, or a person signed for: the newest for its check. */
export interface EvidenceFacts {
  readonly id: string;
  readonly check: string;
  readonly source: 'drill' | 'person';
  readonly by: string;
  readonly passed: boolean;
  readonly summary: string;
  readonly at: number;
  /** What it was found out about; null where it does not depend on the version. */
  readonly version: { readonly model: string; readonly number: number } | null;
  readonly figures: Readonly<Record<string, number | string | boolean>>;
}

/** A waiver that is approved and not revoked. */
export interface WaiverFacts {
  readonly id: string;
  readonly check: string;
  readonly reason: string;
  readonly until: number;
}

/** What somebody approved, for R19. */
export interface ReviewFacts {
  readonly submission: string;
  /** Digest of what was approved; it counts while the subject has the same. */
  readonly subjectDigest: string;
  readonly approvalsNeeded: number;
  readonly approvals: readonly { readonly by: string; readonly at: number }[];
  /** Who made the version and who asked for its production: none of them counts as an approver. */
  readonly authors: readonly string[];
}

/**
 * Everything that checks judge by, of one endpoint and the version that is judged under it, at one time. What is null is
 * not there; before anything is deployed, most is.
 */
export interface Facts {
  readonly now: number;
  readonly environment: string;
  /** Null before there is one. */
  readonly endpoint: EndpointFacts | null;
  readonly owner: OwnerFacts | null;
  readonly useCase: UseCaseFacts | null;
  readonly version: VersionFacts | null;
  readonly deployment: DeploymentFacts | null;
  /** Whether nothing else was live under the endpoint before it. */
  readonly isFirstVersion: boolean;
  readonly comparisons: readonly ComparisonFacts[];
  readonly access: readonly AccessFacts[];
  readonly evidence: readonly EvidenceFacts[];
  readonly waivers: readonly WaiverFacts[];
  /** The approved submission of this subject, or the one that waits. */
  readonly review: ReviewFacts | null;
  /** Digest of the subject of now. */
  readonly subjectDigest: string;
}
