import type { TokenGrant } from '../identity/index.ts';
import type { Directory } from './faces.ts';
import type { RoutedDeployment, RoutedEndpoint, RoutingTable } from './routing-table.ts';

/** A routing table with the look-ups that a request needs, made once for each table. */
export interface AppliedTable extends Directory {
  readonly table: RoutingTable | undefined;
  readonly version: number;
  /** The grant of a token by its SHA-256, hexadecimal. */
  grant(digest: string): TokenGrant | undefined;
  /** Every deployment of the table with its endpoint, by the deployment's id. */
  readonly deployments: ReadonlyMap<string, PlacedDeployment>;
  /** Address of each replica of the table. */
  readonly replicas: ReadonlyMap<string, string>;
}

export interface PlacedDeployment {
  readonly endpoint: RoutedEndpoint;
  readonly deployment: RoutedDeployment;
}

/** Indexes a table; without one there is nothing that could be found. */
export function indexTable(table: RoutingTable | undefined): AppliedTable {
  const endpoints = new Map<string, RoutedEndpoint>();
  const deployments = new Map<string, PlacedDeployment>();
  const replicas = new Map<string, string>();
  const grants = new Map<string, TokenGrant>();
  for (const endpoint of table?.endpoints ?? []) {
    endpoints.set(endpoint.name, endpoint);
    for (const deployment of endpoint.deployments) {
      deployments.set(deployment.id, { endpoint, deployment });
      for (const replica of deployment.replicas) replicas.set(replica.id, replica.address);
    }
  }
  for (const grant of table?.tokens ?? []) grants.set(grant.digest, grant);
  return {
    table,
    version: table?.version ?? 0,
    find: (name) => endpoints.get(name),
    endpoints: () => endpoints.values(),
    grant: (digest) => grants.get(digest),
    deployments,
    replicas,
  };
}
