export type { GatewayHub, GatewayReport, Incident, RoutedDeployment, RoutedEndpoint, RoutedReplica, RoutingTable } from './routing-table.ts';
