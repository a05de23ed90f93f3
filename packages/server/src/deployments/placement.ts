/**
 * Where replicas run. A runner of its own costs about 25 MB and 150 ms; one more small model in a running pack 0.2 MB
 * and 1 ms. So small models of one team share packs, and only what needs or disturbs gets a runner of its own.
 */
export interface PlacementLimits {
  /** Most replicas in a pack. */
  readonly packReplicas: number;
  /** Most bytes of models in a pack. */
  readonly packBytes: number;
}

export const defaultPlacementLimits: PlacementLimits = { packReplicas: 1000, packBytes: 2 * 1024 * 1024 * 1024 };

/** A deployment as placement sees it: also one that is only waiting to be released, because it takes room. */
export interface PlacedDeployment {
  readonly id: string;
  readonly team: string;
  /** Replicas that it should have now; those that stay beyond it are not touched. */
  readonly replicas: number;
  /** Whether each of its replicas needs a runner that it shares with nobody. */
  readonly isOwn: boolean;
  /** What one replica takes: measured, else the size of its file. */
  readonly bytes: number;
  /** Serial number of its next replica. */
  readonly nextReplica: number;
}

export interface Placement {
  readonly id: string;
  readonly deployment: string;
  readonly runner: string;
  readonly runnerKind: 'pack' | 'own';
  readonly isLeaving: boolean;
}

/** What has to change in an assignment: replicas to add, and ids of those that begin to leave. */
export interface PlacementChange {
  readonly added: readonly Placement[];
  readonly leaving: readonly string[];
}

interface Pack {
  readonly runner: string;
  readonly team: string;
  readonly deployments: Set<string>;
  replicas: number;
  bytes: number;
}

/**
 * Completes an assignment: adds the replicas that deployments lack, and lets those leave that sit in a pack although
 * their deployment needs runners of its own. Never puts two teams in one runner or two replicas of a deployment in one
 * pack, moves nothing else, and fills the least loaded pack before it opens another.
 *
 * `isUsable` says of a runner whether it may get more. A runner is named after the first replica that is put in it.
 */
export function placeReplicas(
  deployments: readonly PlacedDeployment[],
  placements: readonly Placement[],
  isUsable: (runner: string) => boolean,
  limits: PlacementLimits = defaultPlacementLimits,
): PlacementChange {
  const byId = new Map(deployments.map((deployment) => [deployment.id, deployment]));
  const staying = new Map<string, number>();
  const leaving: string[] = [];
  for (const placement of placements) {
    if (placement.isLeaving) continue;
    if (byId.get(placement.deployment)?.isOwn === true && placement.runnerKind === 'pack') leaving.push(placement.id);
    else staying.set(placement.deployment, (staying.get(placement.deployment) ?? 0) + 1);
  }
  const short = deployments.filter((deployment) => deployment.replicas > (staying.get(deployment.id) ?? 0));
  if (short.length === 0) return { added: [], leaving };

  const packs = packsOf(byId, placements, isUsable);
  const added: Placement[] = [];
  for (const deployment of short) {
    const missing = deployment.replicas - (staying.get(deployment.id) ?? 0);
    for (let n = 0; n < missing; n++) {
      const id = `${deployment.id}.${deployment.nextReplica + n}`;
      if (deployment.isOwn)
        added.push({ id, deployment: deployment.id, runner: id, runnerKind: 'own', isLeaving: false });
      else
        added.push({
          id,
          deployment: deployment.id,
          runner: intoPack(packs, deployment, id, limits),
          runnerKind: 'pack',
          isLeaving: false,
        });
    }
  }
  return { added, leaving };
}

/** The usable packs by team, in a stable order. */
function packsOf(
  byId: ReadonlyMap<string, PlacedDeployment>,
  placements: readonly Placement[],
  isUsable: (runner: string) => boolean,
): Map<string, Pack[]> {
  const packs = new Map<string, Pack>();
  for (const placement of placements) {
    const deployment = byId.get(placement.deployment);
    if (deployment === undefined || placement.runnerKind !== 'pack') continue;
    const pack = packs.get(placement.runner) ?? {
      runner: placement.runner,
      team: deployment.team,
      deployments: new Set<string>(),
      replicas: 0,
      bytes: 0,
    };
    packs.set(placement.runner, pack);
    fill(pack, deployment);
  }
  const byTeam = new Map<string, Pack[]>();
  for (const pack of [...packs.values()].toSorted((a, b) => (a.runner < b.runner ? -1 : 1))) {
    if (!isUsable(pack.runner)) continue;
    byTeam.set(pack.team, [...(byTeam.get(pack.team) ?? []), pack]);
  }
  return byTeam;
}

/** Puts a replica into the least loaded pack of the team that has room, or opens one; answers its runner. */
function intoPack(
  packs: Map<string, Pack[]>,
  deployment: PlacedDeployment,
  replica: string,
  limits: PlacementLimits,
): string {
  const ofTeam = packs.get(deployment.team) ?? [];
  packs.set(deployment.team, ofTeam);
  let best: Pack | undefined;
  for (const pack of ofTeam) {
    if (
      pack.deployments.has(deployment.id) ||
      pack.replicas >= limits.packReplicas ||
      pack.bytes + deployment.bytes > limits.packBytes
    )
      continue;
    if (best === undefined || pack.replicas < best.replicas) best = pack;
  }
  if (best === undefined) {
    best = { runner: replica, team: deployment.team, deployments: new Set(), replicas: 0, bytes: 0 };
    ofTeam.push(best);
  }
  fill(best, deployment);
  return best.runner;
}

function fill(pack: Pack, deployment: PlacedDeployment): void {
  pack.deployments.add(deployment.id);
  pack.replicas += 1;
  pack.bytes += deployment.bytes;
}
