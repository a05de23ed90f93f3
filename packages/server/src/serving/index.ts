export type { FaceLimits } from './faces.ts';
export { type GatewayHubOptions, type MountedGatewayHub, createGatewayHub } from './gateway-hub.ts';
export { type Gateway, type GatewayValues, createGateway } from './gateway-server.ts';
export { type PredictorLimits, defaultPredictorLimits } from './predictor.ts';
export type {
  GatewayHub,
  GatewayReport,
  Incident,
  RoutedDeployment,
  RoutedEndpoint,
  RoutedReplica,
  RoutingTable,
} from './routing-table.ts';
export type { ServingLog } from './serving-log.ts';
export type { TlsFiles } from './tls-files.ts';
