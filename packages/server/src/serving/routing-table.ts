import type { Runtime, Signature } from '@muster-ml/protocol';
import type { CallLimit, TokenGrant } from '../identity/index.ts';
import type { QuotaUse, UsageReport } from './usage-report.ts';

/**
 * Everything that a gateway needs to answer predictions without control: whole snapshots with a rising version.
 * Control makes one whenever desired or observed state changes; a gateway keeps the last on disk.
 */
export interface RoutingTable {
  readonly version: number;
  /** Which installation made it; a gateway refuses another's. */
  readonly installation: string;
  /** Milliseconds since the epoch. */
  readonly madeAt: number;
  readonly endpoints: readonly RoutedEndpoint[];
  readonly tokens: readonly TokenGrant[];
  /** Limits of calls, by endpoint and actor; what is not here is not limited. */
  readonly limits: readonly CallLimit[];
  /**
   * What was used of the daily quotas when the table was sent; the hub adds it, and a report is answered with newer
   * figures. Absent: nothing is known.
   */
  readonly usedToday?: readonly QuotaUse[] | undefined;
}

export interface RoutedEndpoint {
  readonly name: string;
  readonly team: string;
  readonly timeoutMs: number;
  readonly bodyBytes: number;
  readonly queue: number;
  /** At most one live, one canary, one shadow. A live one is there while the endpoint answers. */
  readonly deployments: readonly RoutedDeployment[];
}

export interface RoutedDeployment {
  readonly id: string;
  readonly role: 'live' | 'canary' | 'shadow';
  /** Canary: percent of requests it answers. Shadow: percent it gets copies of. Live: 100 minus the canary's. */
  readonly sharePercent: number;
  readonly model: string;
  readonly version: string;
  readonly runtime: Runtime;
  readonly digest: string;
  readonly signature: Signature;
  /** Most rows that are merged into one run. */
  readonly maxRows: number;
  /** Most rows of one inference request, where the owner has set a limit; without one a large request runs alone. */
  readonly maxRequestRows?: number | undefined;
  readonly waitMs: number;
  readonly replicas: readonly RoutedReplica[];
  /** Set while the deployment is quarantined: it gets no requests and answers this text. */
  readonly quarantined?: string | undefined;
}

export interface RoutedReplica {
  readonly id: string;
  /** `unix:/path` or `tcp:host:port` */
  readonly address: string;
}

/** What a gateway tells control, at once when it matters and at least each second. */
export interface GatewayReport {
  readonly gateway: string;
  readonly startedAt: number;
  /** Version of the table that new requests use. */
  readonly applied: number;
  /** Replicas that are not in the applied table but still have requests in flight. */
  readonly draining: readonly string[];
  /** Replicas of the applied table that the gateway has a warm link to. */
  readonly ready: readonly string[];
  /** What happened since the last report, each told once. */
  readonly incidents: readonly Incident[];
  /** Refusals of known tokens in minutes that are over, each told once; absent: none. */
  readonly denials?: readonly Denial[] | undefined;
  /** How often tokens came that are not known, likewise. */
  readonly unknownTokens?: readonly UnknownTokens[] | undefined;
  /** Tokens that were used, each at most once in five minutes. */
  readonly tokensUsed?: readonly TokenUse[] | undefined;
  /** Who called what; told until control has answered that it is kept. */
  readonly usage?: UsageReport | undefined;
}

/** How often a known token was refused the same thing within a minute, by authorization. */
export interface Denial {
  readonly actor: string;
  /** The token's id. */
  readonly token: string;
  readonly action: string;
  /** Name of what it is about; `?` for what is no name, `*` for whatever was not kept apart. */
  readonly object: string;
  /** When the minute began, milliseconds since the epoch. */
  readonly minute: number;
  readonly count: number;
}

/** How often tokens that are not known came from one place within a minute. */
export interface UnknownTokens {
  /** `203.0.113.0/24`, `2001:db8:1::/48`, or `*` for whatever was not kept apart. */
  readonly source: string;
  readonly minute: number;
  readonly count: number;
}

export interface TokenUse {
  /** The token's id. */
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A runner died while it ran something of this deployment. */
export interface Incident {
  readonly at: number;
  readonly deployment: string;
  readonly replica: string;
  /** `suspected`: a batch was in flight when the runner died. `confirmed`: one request, alone, killed it again. */
  readonly kind: 'suspected' | 'confirmed';
}

/** Control's side of all gateways: publishes tables, knows who has applied what. */
export interface GatewayHub {
  /** Sends a snapshot to every connected gateway. */
  publish(table: RoutingTable): void;
  /** Reports of the gateways that are connected now. */
  gateways(): readonly GatewayReport[];
  onReport(callback: (report: GatewayReport) => void): () => void;
}
