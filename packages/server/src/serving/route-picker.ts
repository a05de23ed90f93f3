import type { RoutedDeployment, RoutedEndpoint } from './routing-table.ts';

/**
 * Steps of two sequences that fill [0, 1) as evenly as can be (multiples of an irrational number): after n requests a
 * share is off by no more than about log(n)/n, and every regular part of the requests (each second one, each tenth)
 * gets the share too, which a plain counter would not give. Two unrelated steps, so that the shadow's sample does not
 * depend on the canary's.
 */
const canaryStep = (Math.sqrt(5) - 1) / 2;
const shadowStep = Math.SQRT2 - 1;

/** Where an endpoint's two sequences are; each request moves them on. */
export interface TrafficPoint {
  readonly canary: number;
  readonly shadow: number;
}

export const firstTrafficPoint: TrafficPoint = { canary: 0, shadow: 0 };

export function nextTrafficPoint(point: TrafficPoint): TrafficPoint {
  return { canary: (point.canary + canaryStep) % 1, shadow: (point.shadow + shadowStep) % 1 };
}

/** Who answers, why nobody does, and who gets a copy. */
export interface Route {
  readonly answers: RoutedDeployment | undefined;
  /** Set where the live deployment is quarantined: what it says about it. */
  readonly quarantined: string | undefined;
}

/**
 * The traffic rule: the canary answers its share, the live one the rest. A canary that cannot answer (quarantined, or
 * without a ready replica while the live one has one) leaves its share to the live one.
 */
export function pickRoute(
  endpoint: RoutedEndpoint,
  point: TrafficPoint,
  isReady: (deployment: RoutedDeployment) => boolean,
): Route {
  const live = endpoint.deployments.find((deployment) => deployment.role === 'live');
  const canary = endpoint.deployments.find((deployment) => deployment.role === 'canary');
  if (canary !== undefined && canary.quarantined === undefined && point.canary * 100 < canary.sharePercent) {
    if (isReady(canary) || live === undefined || live.quarantined !== undefined || !isReady(live))
      return { answers: canary, quarantined: undefined };
  }
  if (live?.quarantined !== undefined) return { answers: undefined, quarantined: live.quarantined };
  return { answers: live, quarantined: undefined };
}

/** The deployment that serves a version here, preferring the one that answers most. */
export function pickVersion(endpoint: RoutedEndpoint, version: string): RoutedDeployment | undefined {
  for (const role of ['live', 'canary', 'shadow'] as const) {
    const found = endpoint.deployments.find((deployment) => deployment.role === role && deployment.version === version);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The shadow that gets a copy of this request, if it is this request's turn. */
export function pickShadow(endpoint: RoutedEndpoint, point: TrafficPoint): RoutedDeployment | undefined {
  const shadow = endpoint.deployments.find((deployment) => deployment.role === 'shadow');
  return shadow !== undefined && shadow.quarantined === undefined && point.shadow * 100 < shadow.sharePercent
    ? shadow
    : undefined;
}
