import {
  type MeasuredGatewayOptions,
  startMeasuredGateway,
} from '../../packages/server/test-support/measured-gateway.ts';
import { answerOrders } from '../process-orders.ts';

/** The data plane of the gateway, with or without what decides and counts. */
export type GatewayOrder = MeasuredGatewayOptions;

export interface GatewayReport {
  readonly port: number;
}

answerOrders(async (order: GatewayOrder): Promise<GatewayReport> => ({ port: await startMeasuredGateway(order) }));
