export { createGatewayHub } from './gateway-hub.ts';
export { createGateway } from './gateway-server.ts';
export type {
  GatewayHub,
  GatewayReport,
  Incident,
  RoutedDeployment,
  RoutedEndpoint,
  RoutingTable,
} from './routing-table.ts';
export type { QuotaUse, UsageCount, UsageKeeper, UsageReport } from './usage-report.ts';
