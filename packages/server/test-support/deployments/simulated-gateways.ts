import type { GatewayHub, GatewayReport, Incident, RoutingTable } from '../../src/serving/index.ts';
import type { Choices, SimulatedClock } from './simulated-clock.ts';

/** Safely less than the time after which the reconciler forgets a gateway. */
const countsForMs = 6000;

interface SimulatedGateway {
  readonly name: string;
  table: RoutingTable | undefined;
  /** Sent by control, not applied yet. */
  arriving: RoutingTable | undefined;
  readonly draining: Set<string>;
  /** Not connected before this time. */
  awayUntil: number;
  /** What control heard last, since it is connected. */
  heard: GatewayReport | undefined;
  /** Since when control has heard nothing of it; undefined while it is connected. */
  unheardSince: number | undefined;
  incidents: Incident[];
}

/** Gateways that apply tables late, lose their connection and their reports, and finish requests on old replicas slowly. */
export interface SimulatedGateways {
  /** The hub of a new control process; the one before it is forgotten. */
  connect(): GatewayHub;
  step(faults: boolean): void;
  /** Every replica that a gateway sends to, or has requests at; without gateways that have been away too long to count. */
  used(): ReadonlySet<string>;
  tables(): readonly (RoutingTable | undefined)[];
  incident(deployment: string, replica: string, kind: Incident['kind']): void;
}

export function createSimulatedGateways(
  choices: Choices,
  clock: SimulatedClock,
  count: number,
  onApply: (table: RoutingTable) => void,
): SimulatedGateways {
  const gateways = Array.from({ length: count }, (_, index): SimulatedGateway => ({
    name: `gateway-${index}`,
    table: undefined,
    arriving: undefined,
    draining: new Set(),
    awayUntil: 0,
    heard: undefined,
    unheardSince: clock.now(),
    incidents: [],
  }));
  let newest: RoutingTable | undefined;
  let listeners = new Set<(report: GatewayReport) => void>();
  const replicasOf = (table: RoutingTable | undefined): string[] =>
    (table?.endpoints ?? []).flatMap((endpoint) =>
      endpoint.deployments.flatMap((deployment) => deployment.replicas.map((replica) => replica.id)),
    );

  function apply(gateway: SimulatedGateway, table: RoutingTable): void {
    gateway.arriving = undefined;
    if (gateway.table !== undefined && table.version <= gateway.table.version) return;
    onApply(table);
    const now = new Set(replicasOf(table));
    for (const replica of replicasOf(gateway.table))
      if (!now.has(replica) && choices.chance(0.7)) gateway.draining.add(replica);
    for (const replica of now) gateway.draining.delete(replica);
    gateway.table = table;
  }

  function report(gateway: SimulatedGateway): void {
    const told: GatewayReport = {
      gateway: gateway.name,
      startedAt: 0,
      applied: gateway.table?.version ?? 0,
      draining: [...gateway.draining],
      ready: [],
      incidents: gateway.incidents.splice(0),
    };
    gateway.heard = told;
    gateway.unheardSince = undefined;
    for (const listener of listeners) listener(told);
  }

  function disconnect(gateway: SimulatedGateway): void {
    gateway.heard = undefined;
    gateway.arriving = undefined;
    gateway.unheardSince ??= clock.now();
  }

  function step(gateway: SimulatedGateway, faults: boolean): void {
    // Away for less than the time after which it would count no more.
    if (faults && gateway.heard !== undefined && choices.chance(0.03)) {
      gateway.awayUntil = clock.now() + choices.upTo(3000);
      disconnect(gateway);
    }
    // It died: requests in flight are gone, the table is read from disk.
    if (faults && choices.chance(0.02)) {
      gateway.draining.clear();
      disconnect(gateway);
    }
    for (const replica of gateway.draining) if (choices.chance(0.4)) gateway.draining.delete(replica);
    if (clock.now() < gateway.awayUntil) return;
    if (gateway.arriving === undefined && gateway.heard === undefined) gateway.arriving = newest;
    if (gateway.arriving !== undefined && choices.chance(0.7)) apply(gateway, gateway.arriving);
    if (!faults || choices.chance(0.6)) report(gateway);
  }

  return {
    connect() {
      newest = undefined;
      const mine = new Set<(report: GatewayReport) => void>();
      listeners = mine;
      for (const gateway of gateways) disconnect(gateway);
      return {
        publish(table) {
          if (listeners !== mine) return;
          newest = table;
          for (const gateway of gateways) if (clock.now() >= gateway.awayUntil) gateway.arriving = table;
        },
        gateways: () => (listeners === mine ? gateways.flatMap((gateway) => gateway.heard ?? []) : []),
        onReport(callback) {
          mine.add(callback);
          return () => void mine.delete(callback);
        },
      };
    },
    step(faults) {
      for (const gateway of gateways) step(gateway, faults);
    },
    used: () =>
      new Set(
        gateways
          .filter((gateway) => gateway.unheardSince === undefined || clock.now() - gateway.unheardSince < countsForMs)
          .flatMap((gateway) => [...replicasOf(gateway.table), ...gateway.draining]),
      ),
    tables: () => gateways.map((gateway) => gateway.table),
    incident(deployment, replica, kind) {
      const gateway = choices.pick(gateways);
      gateway.incidents.push({ at: clock.now(), deployment, replica, kind });
    },
  };
}
