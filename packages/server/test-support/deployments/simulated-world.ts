import { type DeployRequest, type Signature, deploySchema } from '@muster-ml/protocol';
import { cancelDeployment } from '../../src/deployments/cancel-deployment.ts';
import type { DeploymentParts } from '../../src/deployments/change-endpoint.ts';
import { deleteEndpoint } from '../../src/deployments/delete-endpoint.ts';
import { deploy } from '../../src/deployments/deploy.ts';
import { endDeploymentById } from '../../src/deployments/end-deployment.ts';
import { isServing } from '../../src/deployments/deployment.ts';
import { promote } from '../../src/deployments/promote.ts';
import { Reconciler } from '../../src/deployments/reconciler.ts';
import { rollback } from '../../src/deployments/rollback.ts';
import { updateEndpoint } from '../../src/deployments/update-endpoint.ts';
import type { ServedVersion } from '../../src/registry/index.ts';
import type { RunnerWish } from '../../src/runners/index.ts';
import type { RoutingTable } from '../../src/serving/index.ts';
import { callerWith, decidingIdentity } from '../identity.ts';
import { maker } from '../registry.ts';
import { createHistoryCheck } from './history-check.ts';
import { type MemoryInstallation, createMemoryInstallation } from './memory-installation.ts';
import { type Choices, type SimulatedClock, createChoices, createSimulatedClock, settle } from './simulated-clock.ts';
import { type SimulatedGateways, createSimulatedGateways } from './simulated-gateways.ts';
import { type LoadBehaviour, type SimulatedHost, createSimulatedHost } from './simulated-host.ts';
import { noSecrets } from '../no-secrets.ts';
import { noStandings } from '../no-standings.ts';

const caller = callerWith({ id: 'ana', teams: { a: maker, b: maker } });
const endpoints = ['fraud', 'fraud', 'churn', 'rank'] as const;
const teamOf = { fraud: 'a', churn: 'a', rank: 'b' } as const;
const behaviours: readonly LoadBehaviour[] = ['good', 'good', 'slow', 'flaky', 'invalid', 'crashes'];
const narrow: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
};
const broken: Signature = { ...narrow, inputs: [{ name: 'z', datatype: 'FP32', shape: [-1, 3] }] };

/** Thrown at the await point where a control process dies. */
class ControlDied extends Error {}

interface Control {
  isDead: boolean;
  readonly parts: DeploymentParts;
  readonly reconciler: Reconciler;
}

/**
 * One installation in which everything goes wrong that may go wrong: control dies at any await point, runners and
 * gateways die, loads are slow or fail, reports are late or lost, wishes change at any time. What must hold is checked
 * whenever something changes; the first breach is thrown by `check`.
 */
export class SimulatedWorld {
  readonly choices: Choices;
  readonly clock: SimulatedClock = createSimulatedClock();
  readonly #history = createHistoryCheck();
  readonly disk: MemoryInstallation = createMemoryInstallation(
    (operation, end) => {
      const deployment = end.state === 'succeeded' ? end.result['deployment'] : undefined;
      if (typeof deployment === 'string' && !this.#routed.has(deployment))
        this.breaches.push(`${operation} succeeded before ${deployment} was routed`);
    },
    () => void this.breaches.push(...this.#history.look(this.disk, this.clock.now())),
  );
  readonly host: SimulatedHost;
  readonly gateways: SimulatedGateways;
  faults = true;
  #control: Control | undefined;
  #ids = 0;
  /** `endpoint model:version` that was ever asked for. */
  readonly #asked = new Set<string>();
  /** Endpoints whose live one answered in the newest table. */
  #answering = new Map<string, string>();
  #newestVersion = 0;
  /** The version that the last live wish named, while nothing has come after it. */
  readonly #lastLiveWish = new Map<string, number>();
  /** Deployments in the newest table. */
  #routed: ReadonlySet<string> = new Set();
  readonly breaches: string[] = [];

  constructor(seed: number) {
    this.choices = createChoices(seed);
    this.host = createSimulatedHost(this.choices, behaviourOf, (before, wishes) => this.#checkWishes(before, wishes));
    this.gateways = createSimulatedGateways(this.choices, this.clock, 1 + this.choices.upTo(1), (table) =>
      this.#checkApplied(table),
    );
  }

  /** One step of a history. */
  async step(): Promise<void> {
    const { choices } = this;
    if (this.#control === undefined || this.#control.isDead) {
      if (!this.faults || choices.chance(0.5)) await this.#startControl();
    } else if (this.faults && choices.chance(0.01)) this.#killControl(this.#control);
    if (this.faults && choices.chance(0.35)) void this.#wish();
    if (this.faults && choices.chance(0.1)) this.#killSomething();
    this.host.step(this.faults);
    this.gateways.step(this.faults);
    await settle();
    this.clock.advance(1 + choices.upTo(choices.chance(0.1) ? 3000 : 120));
    await settle();
    this.#checkUse();
    if (this.breaches.length > 0) throw new Error(this.breaches.join('\n'));
  }

  /** What of the past the history tells otherwise than it was. */
  historyErrors(): readonly string[] {
    return this.#history.lookBack(this.disk);
  }

  /** What is not as it should be once everything works again; empty when it has converged. */
  differences(): readonly string[] {
    const found: string[] = [];
    const states = this.disk.endpoints();
    for (const operation of this.disk.openOperations()) found.push(`operation ${operation} has not ended`);
    const wanted = new Set<string>();
    for (const { endpoint, deployments } of states) {
      for (const deployment of deployments) {
        if (!['ready', 'failed', 'quarantined'].includes(deployment.state))
          found.push(`${deployment.id} is ${deployment.state}`);
        for (const replica of deployment.replicas) {
          wanted.add(replica.id);
          if (replica.isLeaving || !this.host.isReady(replica.id))
            found.push(`replica ${replica.id} is leaving or not ready`);
        }
        if (deployment.state === 'ready' && deployment.replicas.length !== deployment.settings.replicas)
          found.push(`${deployment.id} has ${deployment.replicas.length} replicas`);
      }
      const live = deployments.find((deployment) => deployment.role === 'live' && isServing(deployment));
      const last = this.#lastLiveWish.get(endpoint.name);
      const isGivenUp = deployments.some(
        (deployment) => deployment.state === 'failed' || deployment.state === 'quarantined',
      );
      if (
        endpoint.deletedAt === null &&
        last !== undefined &&
        isLoadable(last) &&
        !isGivenUp &&
        live?.served.number !== last
      )
        found.push(`${endpoint.name} serves ${live?.served.number}, not ${last}`);
    }
    const running = this.host.wishedReplicas();
    for (const id of wanted) if (!running.has(id)) found.push(`replica ${id} was not asked of the host`);
    for (const id of running) if (!wanted.has(id)) found.push(`replica ${id} is left over at the host`);
    for (const table of this.gateways.tables()) {
      if (table?.version !== this.#newestVersion) found.push('a gateway has an old table');
      const routed = new Set(
        table?.endpoints.flatMap((endpoint) => endpoint.deployments.map((deployment) => deployment.id)),
      );
      for (const { deployments } of states) {
        for (const deployment of deployments)
          if (deployment.role === 'live' && isServing(deployment) !== routed.has(deployment.id))
            found.push(`${deployment.id} is routed wrongly`);
      }
    }
    return found;
  }

  async #startControl(): Promise<void> {
    const control: { isDead: boolean } = { isDead: false };
    const awaitPoint = (): void => {
      if (!control.isDead && this.faults && this.choices.chance(0.002)) control.isDead = true;
      if (control.isDead) throw new ControlDied();
      if (this.choices.chance(0.05)) this.host.step(this.faults);
      if (this.choices.chance(0.05)) this.gateways.step(this.faults);
    };
    const memory = this.disk.open(awaitPoint);
    const hub = this.gateways.connect();
    const identity = decidingIdentity();
    const newId = (): string => `id${String(++this.#ids).padStart(6, '0')}`;
    const shared = { ...memory, secrets: noSecrets, identity, clock: this.clock, newId };
    const reconciler = new Reconciler({
      ...shared,
      runtimeHost: this.host.connect(awaitPoint),
      gatewayHub: {
        ...hub,
        publish: (table) => (control.isDead ? undefined : (this.#checkTable(table), hub.publish(table))),
      },
      objects: { localFile: async (digest) => await Promise.resolve(`/objects/${digest}`) },
      installation: 'simulation',
      onError: (error) => {
        if (!(error instanceof ControlDied) && !String(error).includes('this.#publisher'))
          this.breaches.push(`error: ${String(error instanceof Error ? error.stack : error)}`);
      },
      placement: { packReplicas: 4 },
    });
    const parts: DeploymentParts = {
      ...shared,
      registry: {
        servedVersion: async (_caller, model, pick) =>
          await Promise.resolve(versionOf(model, 'version' in pick ? pick.version : 1)),
      },
      refuseUncagedPython: async () => await Promise.resolve(),
      standings: noStandings,
      wake: () => reconciler.wake(),
    };
    this.#control = Object.assign(control, { parts, reconciler });
    await reconciler.start().catch(() => {
      control.isDead = true;
    });
  }

  #killControl(control: Control): void {
    control.isDead = true;
    control.reconciler.stop();
  }

  async #wish(): Promise<void> {
    const control = this.#control;
    if (control === undefined || control.isDead) return;
    const { choices } = this;
    const name = choices.pick(endpoints);
    const kind = choices.pick([
      'deploy',
      'deploy',
      'deploy',
      'canary',
      'canary',
      'shadow',
      'promote',
      'promote',
      'rollback',
      'rollback',
      'end',
      'delete',
      'update',
      'cancel',
    ] as const);
    this.#lastLiveWish.delete(name);
    try {
      const { parts } = control;
      if (kind === 'deploy' || kind === 'canary' || kind === 'shadow')
        await this.#deploy(parts, name, kind === 'deploy' ? 'live' : kind);
      else if (kind === 'promote') await promote(parts, caller, name);
      else if (kind === 'rollback') await rollback(parts, caller, name, {});
      else if (kind === 'delete' && choices.chance(0.3)) await deleteEndpoint(parts, caller, name);
      else if (kind === 'update')
        await updateEndpoint(parts, caller, name, { limits: { queue: 1 + choices.upTo(50) } }, undefined);
      else if (kind === 'end')
        await endDeploymentById(
          parts,
          caller,
          name,
          choices.pick(this.disk.endpoints().flatMap((state) => state.deployments)).id,
        );
      else if (kind === 'cancel') await cancelDeployment(parts, choices.pick(this.disk.openOperations()));
    } catch (error) {
      if (error instanceof TypeError || error instanceof ReferenceError) this.breaches.push(String(error.stack));
    } finally {
      if (kind !== 'deploy') this.#lastLiveWish.delete(name);
      if (kind === 'cancel') this.#lastLiveWish.clear();
    }
  }

  async #deploy(parts: DeploymentParts, name: (typeof endpoints)[number], role: DeployRequest['role']): Promise<void> {
    const { choices } = this;
    const version = 1 + choices.upTo(11);
    const request = deploySchema.parse({
      model: `${teamOf[name]}-model`,
      version,
      role,
      ...(role === 'canary' ? { sharePercent: choices.upTo(100) } : {}),
      settings: { replicas: 1 + choices.upTo(1), ownRunner: choices.chance(0.2) },
      ...(choices.chance(0.2) ? { force: name } : {}),
    });
    this.#asked.add(`${name} ${request.model}:${version}`);
    await deploy(parts, caller, name, request);
    if (role === 'live') this.#lastLiveWish.set(name, version);
  }

  #killSomething(): void {
    const serving = this.disk.endpoints().flatMap((state) => state.deployments.filter(isServing));
    const victim = serving[this.choices.upTo(serving.length)];
    const replica = victim?.replicas[0];
    if (victim === undefined || replica === undefined) return;
    this.gateways.incident(victim.id, replica.id, this.choices.chance(0.4) ? 'confirmed' : 'suspected');
    for (const [name, version] of this.#lastLiveWish)
      if (version === victim.served.number) this.#lastLiveWish.delete(name);
  }

  /** A table may hold only what was asked for and has answered, and may not lose an endpoint that answers. */
  #checkTable(table: RoutingTable): void {
    if (table.version <= this.#newestVersion)
      this.breaches.push(`table ${table.version} follows ${this.#newestVersion}`);
    this.#newestVersion = table.version;
    this.#routed = new Set(
      table.endpoints.flatMap((endpoint) => endpoint.deployments.map((deployment) => deployment.id)),
    );
    const answering = new Map<string, string>();
    for (const endpoint of table.endpoints) {
      for (const deployment of endpoint.deployments) {
        const what = `${endpoint.name} ${deployment.model}:${deployment.version}`;
        if (!this.#asked.has(what)) this.breaches.push(`table ${table.version} routes ${what}, which nobody asked for`);
        const cold = deployment.replicas.filter((replica) => !this.host.wasReady(replica.id));
        if (cold.length > 0)
          this.breaches.push(
            `table ${table.version} routes ${what} to ${cold.map((replica) => replica.id).join()}, which never answered`,
          );
        if (deployment.replicas.length === 0 && deployment.quarantined === undefined)
          this.breaches.push(`table ${table.version} routes ${what} to nothing`);
      }
      const roles = endpoint.deployments.map((deployment) => deployment.role);
      if (new Set(roles).size !== roles.length)
        this.breaches.push(`table ${table.version} has a role of ${endpoint.name} twice`);
      if (
        endpoint.deployments.reduce(
          (sum, deployment) => sum + (deployment.role === 'shadow' ? 0 : deployment.sharePercent),
          0,
        ) > 100
      )
        this.breaches.push(`shares of ${endpoint.name} exceed 100`);
      if (roles.includes('live')) answering.set(endpoint.name, endpoint.name);
    }
    const existing = new Set(
      this.disk
        .endpoints()
        .filter(
          (state) =>
            state.endpoint.deletedAt === null &&
            state.deployments.some((deployment) => deployment.role === 'live' && isServing(deployment)),
        )
        .map((state) => state.endpoint.name),
    );
    for (const name of this.#answering.keys())
      if (existing.has(name) && !answering.has(name))
        this.breaches.push(`table ${table.version} takes ${name} from its callers`);
    this.#answering = answering;
  }

  #checkApplied(table: RoutingTable): void {
    const running = this.host.wishedReplicas();
    for (const endpoint of table.endpoints) {
      for (const deployment of endpoint.deployments) {
        for (const replica of deployment.replicas)
          if (!running.has(replica.id))
            this.breaches.push(`a gateway applied table ${table.version} with ${replica.id}, which is not loaded`);
      }
    }
  }

  #checkUse(): void {
    const running = this.host.wishedReplicas();
    for (const id of this.gateways.used())
      if (!running.has(id)) this.breaches.push(`a gateway uses ${id}, which was released`);
  }

  /** Nobody's replica may be taken away while a gateway uses it, and teams never share a runner. */
  #checkWishes(before: ReadonlySet<string>, wishes: readonly RunnerWish[]): void {
    const after = new Set(wishes.flatMap((wish) => wish.replicas.map((replica) => replica.id)));
    const used = this.gateways.used();
    for (const id of before)
      if (!after.has(id) && used.has(id)) this.breaches.push(`${id} is released while a gateway uses it`);
    for (const wish of wishes) {
      const deployments = wish.replicas.map((replica) => replica.id.split('.')[0] ?? '');
      const models = new Set(deployments.map((id) => this.disk.deployment(id)?.served.team));
      if (models.size > 1 || !models.has(wish.team))
        this.breaches.push(`runner ${wish.id} of ${wish.team} holds models of ${[...models].join()}`);
      if (new Set(deployments).size !== deployments.length)
        this.breaches.push(`runner ${wish.id} holds two replicas of one deployment`);
      if (wish.kind === 'own' && wish.replicas.length !== 1) this.breaches.push(`runner ${wish.id} is shared`);
      if (wish.kind === 'pack' && wish.runtime === 'python') this.breaches.push(`Python in the pack ${wish.id}`);
    }
  }
}

const environment = { python: '3.11', requirements: [] };

function versionOf(model: string, number: number): ServedVersion {
  return {
    model,
    number,
    team: model.slice(0, 1),
    runtime: number % 4 === 1 ? 'python' : 'onnx',
    digest: `digest-${number}`,
    sizeBytes: 1000,
    signature: number % 7 === 0 ? broken : narrow,
    sampleDigest: null,
    ...(number % 4 === 1 ? { python: { format: 'pickle', isTable: false, environment } } : {}),
  };
}

function behaviourOf(digest: string): LoadBehaviour {
  const number = Number(digest.slice('digest-'.length));
  return behaviours[number % behaviours.length] ?? 'good';
}

/** Whether a version can become ready at all. */
function isLoadable(version: number): boolean {
  const behaviour = behaviourOf(`digest-${version}`);
  return behaviour === 'good' || behaviour === 'slow';
}
