import type { GatewayGrants } from '../identity/index.ts';
import type { RoutedEndpoint, RoutingTable } from '../serving/index.ts';
import type { EndpointState } from './endpoint.ts';
import type { PublishedTables } from './observation.ts';
import { routedEndpoint } from './routed-endpoint.ts';

export interface TablePublisherParts {
  readonly installation: string;
  readonly addressOf: (runner: string) => string;
  readonly send: (table: RoutingTable) => void;
  /** The first version that no earlier control has used. */
  readonly firstVersion: number;
}

interface Entry {
  readonly state: EndpointState;
  readonly routed: RoutedEndpoint | undefined;
  /** Of `routed`, to tell a real change from a state that reads the same to a gateway. */
  readonly text: string;
  /** Version from which on tables hold it; undefined until then. */
  since: number | undefined;
}

/**
 * Turns the state of the endpoints into routing tables, and remembers from which version on a table says what: the
 * reconciler waits for that before it releases anything. Only endpoints that changed are built again.
 */
export interface TablePublisher extends PublishedTables {
  /** Takes the present state of an endpoint; one without deployments that is deleted is forgotten. */
  update(state: EndpointState): void;
  /** Takes who may call what now. */
  updateGrants(grants: GatewayGrants): void;
  /** Whether something changed since the last table. */
  isDirty(): boolean;
  /** Sends the next table, if something changed. */
  publish(now: number): void;
  /** A gateway holds a table of a higher version (a restored database): ours go on above it. */
  rise(applied: number): void;
  /** Version of the last table; 0 before the first. */
  newestVersion(): number;
}

export function createTablePublisher(parts: TablePublisherParts): TablePublisher {
  const entries = new Map<string, Entry>();
  /** Last table that held a replica, for the replicas that the newest one does not. */
  const lastHeld = new Map<string, number>();
  let held: ReadonlySet<string> = new Set();
  let grants: GatewayGrants = { tokens: [], limits: [] };
  let grantsText = '';
  let nextVersion = parts.firstVersion;
  let floor = parts.firstVersion;
  let newest = 0;
  let isDirty = true;

  return {
    update(state) {
      const known = entries.get(state.endpoint.id);
      if (known?.state === state) return;
      for (const id of replicasGone(known?.state, state)) lastHeld.delete(id);
      const routed = routedEndpoint(state, parts.addressOf);
      const text = routed === undefined ? '' : JSON.stringify(routed);
      const isSame = known?.text === text;
      entries.set(state.endpoint.id, { state, routed, text, since: isSame ? known.since : undefined });
      if (!isSame && !(known === undefined && routed === undefined)) isDirty = true;
      if (routed === undefined && state.deployments.length === 0) entries.delete(state.endpoint.id);
    },

    updateGrants(next) {
      const text = JSON.stringify(next);
      if (text === grantsText) return;
      grants = next;
      grantsText = text;
      isDirty = true;
    },

    isDirty: () => isDirty,

    publish(now) {
      if (!isDirty) return;
      const version = nextVersion++;
      const endpoints = [...entries.values()]
        .flatMap((entry) => entry.routed ?? [])
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const holds = new Set(
        endpoints.flatMap((endpoint) =>
          endpoint.deployments.flatMap((deployment) => deployment.replicas.map((replica) => replica.id)),
        ),
      );
      for (const id of held) if (!holds.has(id)) lastHeld.set(id, newest);
      for (const id of holds) lastHeld.delete(id);
      held = holds;
      for (const entry of entries.values()) entry.since ??= version;
      newest = version;
      isDirty = false;
      parts.send({ version, installation: parts.installation, madeAt: now, endpoints, ...grants });
    },

    rise(applied) {
      if (applied < nextVersion) return;
      nextVersion = applied + 1;
      // What a gateway claims to have applied below this may be another control's table.
      floor = nextVersion;
      for (const entry of entries.values()) entry.since = undefined;
      isDirty = true;
    },

    newestVersion: () => newest,

    versionOf: (endpointId) => entries.get(endpointId)?.since,

    versionWithout(replicaId) {
      if (newest < floor || held.has(replicaId) || isStillWished(entries, replicaId)) return undefined;
      return Math.max(floor, (lastHeld.get(replicaId) ?? 0) + 1);
    },
  };
}

/** Whether the present state would put it in the next table, which has not been sent yet. */
function isStillWished(entries: ReadonlyMap<string, Entry>, replicaId: string): boolean {
  for (const entry of entries.values()) {
    if (entry.since !== undefined) continue;
    if (
      entry.routed?.deployments.some((deployment) =>
        deployment.replicas.some((replica) => replica.id === replicaId),
      ) === true
    )
      return true;
  }
  return false;
}

/** Replicas that a state no longer has. */
function replicasGone(before: EndpointState | undefined, after: EndpointState): readonly string[] {
  if (before === undefined) return [];
  const kept = new Set(after.deployments.flatMap((deployment) => deployment.replicas.map((replica) => replica.id)));
  return before.deployments
    .flatMap((deployment) => deployment.replicas.map((replica) => replica.id))
    .filter((id) => !kept.has(id));
}
