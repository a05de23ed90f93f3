import type { Identity } from '../identity/index.ts';
import type { Clock } from '../platform/clock/index.ts';
import type { ObjectStore } from '../platform/objects/index.ts';
import type { RuntimeHost } from '../runners/index.ts';
import type { SecretUses } from '../secrets/index.ts';
import type { GatewayHub, GatewayReport, Incident } from '../serving/index.ts';
import { type DeploymentParts, commitChange } from './change-endpoint.ts';
import type { Change } from './change.ts';
import { type HeldReplica, type CrashWatch, countCrashes, crashesOf, createCrashWatch } from './crash-watch.ts';
import { stayingReplicas } from './deployment.ts';
import type { EndpointState } from './endpoint.ts';
import { type ModelFileCache, createModelFileCache } from './model-file-cache.ts';
import { type Observed, knownGateway, seeReplicas } from './observation.ts';
import { type PlacementLimits, defaultPlacementLimits } from './placement.ts';
import { type ReconcilePolicy, defaultReconcilePolicy } from './reconcile-deployment.ts';
import { reconcile } from './reconcile.ts';
import { progressText } from './progress-text.ts';
import { runnerWishes } from './runner-wishes.ts';
import { type SecretValueCache, createSecretValueCache } from './secret-values.ts';
import type { Crash } from './store.ts';
import { type TablePublisher, createTablePublisher } from './table-publisher.ts';

export interface ReconcilerParts extends Pick<
  DeploymentParts,
  'database' | 'store' | 'operations' | 'ledger' | 'newId'
> {
  readonly clock: Clock;
  readonly runtimeHost: RuntimeHost;
  readonly gatewayHub: GatewayHub;
  readonly identity: Pick<Identity, 'grants' | 'epoch' | 'onChange'>;
  readonly objects: Pick<ObjectStore, 'localFile'>;
  readonly secrets: Pick<SecretUses, 'values' | 'onChange'>;
  /** Id of this installation, which routing tables carry. */
  readonly installation: string;
  /** Hears of failures that the next pass tries to mend. */
  readonly onError: (error: unknown) => void;
  readonly policy?: Partial<ReconcilePolicy> | undefined;
  readonly placement?: Partial<PlacementLimits> | undefined;
  readonly timing?: Partial<ReconcilerTiming> | undefined;
}

export interface ReconcilerTiming {
  /** It looks at everything at least this often. */
  readonly tickMs: number;
  /** Between two routing tables; what changes meanwhile goes into the next. */
  readonly publishMs: number;
  /**
   * Who may call what is read again at least this often: access rules end by themselves. Changes are looked for at each
   * tick, and those of this process are heard of at once.
   */
  readonly grantsMs: number;
  /**
   * A gateway that has been away for this long counts no more: what it might still send to an old replica is lost.
   * For this long after its own start, the reconciler releases nothing, because gateways may still have to connect.
   */
  readonly gatewayLostMs: number;
}

const defaultTiming: ReconcilerTiming = { tickMs: 500, publishMs: 50, grantsMs: 1000, gatewayLostMs: 10_000 };

/** Endpoints that are written in one transaction. */
const writtenAtOnce = 50;
/** Rounds of one pass before others get a turn. */
const mostRounds = 20;
const reservedVersions = 1_000_000;

/**
 * The shell around `reconcile`: reads what changed, tells the host and the gateways what follows from it, looks at
 * what they report, writes what was decided, until there is nothing to decide. Woken by changes, and by time in case
 * one was missed. All it remembers can be found out again: a restart at any point goes on where it stopped.
 */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #policy: ReconcilePolicy;
  readonly #placement: PlacementLimits;
  readonly #timing: ReconcilerTiming;
  readonly #states = new Map<string, EndpointState>();
  readonly #gateways = new Map<string, { readonly report: GatewayReport; readonly seenAt: number }>();
  readonly #files: ModelFileCache;
  readonly #secrets: SecretValueCache;
  readonly #endings: (() => void)[] = [];
  #held: ReadonlyMap<string, readonly HeldReplica[]> = new Map();
  #publisher: TablePublisher | undefined;
  #crashWatch: CrashWatch | undefined;
  #crashes: readonly Crash[] = [];
  #incidents: Incident[] = [];
  #epoch = 0;
  #startedAt = 0;
  #publishedAt = Number.NEGATIVE_INFINITY;
  /** When the grants were read last, and when it was last looked whether they changed. */
  #grantsAt = Number.NEGATIVE_INFINITY;
  #grantsCheckedAt = Number.NEGATIVE_INFINITY;
  #grantsEpoch: number | undefined;
  #areGrantsDue = true;
  #areWishesDue = true;
  #hasToldHost = false;
  #telling: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #cancelTick = (): void => {};
  #isWoken = false;
  #isStopped = false;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#policy = { ...defaultReconcilePolicy, ...parts.policy };
    this.#placement = { ...defaultPlacementLimits, ...parts.placement };
    this.#timing = { ...defaultTiming, ...parts.timing };
    const renew = (): void => {
      this.#areWishesDue = true;
      this.wake();
    };
    this.#files = createModelFileCache(parts.objects, parts.clock, renew);
    this.#secrets = createSecretValueCache(parts.secrets, parts.clock, renew);
    this.#endings.push(() => this.#secrets.stop());
  }

  /** Reads the state and begins to reconcile. Throws where the database can't be read. */
  async start(): Promise<void> {
    const { clock, database, store, runtimeHost, gatewayHub, identity, installation, newId } = this.#parts;
    this.#startedAt = clock.now();
    const firstVersion = await database.inTransaction(
      async (tx) => await store.reserveTableVersions(tx, reservedVersions),
    );
    this.#crashes = await store.crashesSince(clock.now() - this.#policy.crashWindowMs);
    this.#crashWatch = createCrashWatch(newId, this.#startedAt);
    this.#publisher = createTablePublisher({
      installation,
      addressOf: (runner) => runtimeHost.addressOf(runner),
      send: (table) => gatewayHub.publish(table),
      firstVersion,
    });
    this.#endings.push(
      runtimeHost.onChange(() => this.wake()),
      identity.onChange(() => {
        this.#areGrantsDue = true;
        this.wake();
      }),
      gatewayHub.onReport((report) => {
        this.#incidents.push(...report.incidents);
        this.wake();
      }),
    );
    this.#tick();
  }

  /** A runner is about to be killed on purpose: nobody in it is blamed. */
  expectDeath(runner: string): void {
    this.#crashWatch?.expectDeath(runner, this.#held.get(runner) ?? [], this.#parts.clock.now());
  }

  /** Asks for a pass soon; any number of calls until then is one pass. */
  wake(): void {
    if (this.#isStopped || this.#publisher === undefined) return;
    this.#isWoken = true;
    this.#running ??= this.#run();
  }

  /** Ends the pass that runs and begins no other. Runners and gateways go on with what they were told last. */
  async drain(): Promise<void> {
    this.stop();
    await this.#running;
    await this.#telling;
  }

  /** Begins no further pass. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTick();
    for (const end of this.#endings.splice(0)) end();
  }

  #tick(): void {
    if (this.#isStopped) return;
    this.wake();
    this.#cancelTick = this.#parts.clock.after(this.#timing.tickMs, () => this.#tick());
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    while (this.#isWoken && !this.#isStopped) {
      this.#isWoken = false;
      const begunAt = clock.now();
      try {
        await this.#pass();
      } catch (error) {
        this.#parts.onError(error);
      }
      // Leaves at least half of the time to others, however busy it is.
      const restMs = Math.max(1, clock.now() - begunAt);
      await new Promise<void>((resolve) => void clock.after(restMs, resolve));
    }
    this.#running = undefined;
  }

  /** Looks at everything and acts until nothing is left to decide. */
  async #pass(): Promise<void> {
    for (let round = 0; round < mostRounds; round++) {
      await this.#refresh();
      await this.#noteCrashes();
      await this.#publish();
      this.#tellHost();
      const observed = this.#observe();
      const changes = reconcile({
        desired: [...this.#states.values()],
        observed,
        policy: this.#policy,
        limits: this.#placement,
        now: this.#parts.clock.now(),
      });
      this.#tellProgress(observed);
      if (changes.length === 0) return;
      await this.#write(changes);
    }
    this.wake();
  }

  /** Reads what changed since the last look. */
  async #refresh(): Promise<void> {
    const { store } = this.#parts;
    const epoch = await store.epoch();
    if (epoch === this.#epoch) return;
    const changed = await store.changedSince(this.#epoch);
    for (const state of changed) {
      this.#publisher?.update(state);
      if (state.endpoint.deletedAt !== null && state.deployments.length === 0) this.#states.delete(state.endpoint.id);
      else this.#states.set(state.endpoint.id, state);
    }
    // Read before the endpoints: what was committed since is read next time.
    this.#epoch = epoch;
    this.#secrets.keep(() => this.#states.values());
    this.#held = heldByRunner(this.#states.values());
    this.#areWishesDue = true;
  }

  async #noteCrashes(): Promise<void> {
    const { database, store, clock, newId, runtimeHost } = this.#parts;
    const now = clock.now();
    const incidents = this.#incidents.splice(0).filter((one) => this.#crashWatch?.isExpected(one, now) !== true);
    const known = new Set(
      [...this.#states.values()].flatMap((state) =>
        incidents.length === 0 ? [] : state.deployments.map((deployment) => deployment.id),
      ),
    );
    const seen = this.#crashWatch?.look(runtimeHost.observed(), (runner) => this.#held.get(runner) ?? [], now) ?? [];
    const crashes = [...crashesOf(incidents, (id) => known.has(id), newId, now), ...seen];
    if (crashes.length === 0) return;
    const from = now - this.#policy.crashWindowMs;
    this.#crashes = [...this.#crashes.filter((crash) => crash.at >= from), ...crashes];
    await database.inTransaction(async (tx) => {
      await store.addCrashes(tx, crashes);
      await store.dropCrashes(tx, from);
    });
  }

  async #publish(): Promise<void> {
    const { clock, gatewayHub } = this.#parts;
    const publisher = this.#publisher;
    if (publisher === undefined) return;
    const now = clock.now();
    await this.#refreshGrants(publisher, now);
    for (const report of gatewayHub.gateways()) publisher.rise(report.applied);
    if (!publisher.isDirty()) return;
    const waitMs = this.#publishedAt + this.#timing.publishMs - now;
    if (waitMs > 0) {
      this.#parts.clock.after(waitMs, () => this.wake());
      return;
    }
    this.#publishedAt = now;
    publisher.publish(now);
  }

  /** Reads who may call what, where it changed or may have. */
  async #refreshGrants(publisher: TablePublisher, now: number): Promise<void> {
    const { identity } = this.#parts;
    const { tickMs, grantsMs } = this.#timing;
    const isDue = this.#areGrantsDue || now - this.#grantsAt >= grantsMs;
    if (!isDue && now - this.#grantsCheckedAt < tickMs) return;
    // Before the grants: what changes between the two is found the next time.
    const epoch = await identity.epoch();
    this.#grantsCheckedAt = now;
    if (!isDue && epoch === this.#grantsEpoch) return;
    this.#areGrantsDue = false;
    try {
      publisher.updateGrants(await identity.grants());
    } catch (error) {
      this.#areGrantsDue = true;
      throw error;
    }
    this.#grantsAt = now;
    this.#grantsEpoch = epoch;
  }

  /** Tells the host what should run, one list at a time: the newest goes out when the last has arrived. */
  #tellHost(): void {
    const now = this.#parts.clock.now();
    this.#areWishesDue ||= this.#secrets.isDue(now);
    if (!this.#areWishesDue || this.#telling !== undefined) return;
    const wishes = runnerWishes(
      this.#states.values(),
      (deployment) => this.#files.of(deployment, now),
      (deployment, endpoint) => this.#secrets.of(deployment, endpoint, now),
      !this.#hasToldHost,
    );
    // A list without something that runs would end it: that waits until every file of theirs has been found.
    if (wishes === undefined) return;
    this.#areWishesDue = false;
    this.#telling = this.#parts.runtimeHost
      .want(wishes)
      .then(() => {
        this.#hasToldHost = true;
      })
      .catch((error: unknown) => {
        this.#areWishesDue = true;
        this.#parts.onError(error);
      })
      .finally(() => {
        this.#telling = undefined;
        if (this.#areWishesDue) this.#parts.clock.after(this.#timing.publishMs, () => this.wake());
      });
  }

  #observe(): Observed {
    const { clock, runtimeHost, gatewayHub } = this.#parts;
    const publisher = this.#publisher;
    if (publisher === undefined) throw new Error('the reconciler has not been started');
    const now = clock.now();
    const connected = new Set<string>();
    for (const report of gatewayHub.gateways()) {
      connected.add(report.gateway);
      this.#gateways.set(report.gateway, { report, seenAt: now });
    }
    for (const [id, { seenAt }] of this.#gateways)
      if (now - seenAt > this.#timing.gatewayLostMs) this.#gateways.delete(id);
    return {
      ...seeReplicas(runtimeHost.observed()),
      gateways: [...this.#gateways.values()].map(({ report }) =>
        knownGateway(report, publisher.newestVersion(), connected.has(report.gateway)),
      ),
      since: this.#startedAt,
      isSettled: now - this.#startedAt >= this.#timing.gatewayLostMs,
      tables: publisher,
      crashes: countCrashes(this.#crashes, now - this.#policy.crashWindowMs),
      missingFiles: this.#files.missing(),
    };
  }

  async #write(changes: readonly Change[]): Promise<void> {
    for (let at = 0; at < changes.length; at += writtenAtOnce) {
      const some = changes.slice(at, at + writtenAtOnce);
      try {
        await this.#writeTogether(some);
      } catch (error) {
        if (some.length === 1) throw error;
        // One that can't be written must not keep the others back.
        for (const change of some) await this.#writeTogether([change]).catch(this.#parts.onError);
      }
    }
  }

  async #writeTogether(changes: readonly Change[]): Promise<void> {
    const { database, store, operations } = this.#parts;
    const ended = await database.inTransaction(async (tx) => {
      const epoch = await store.begin(tx);
      const ids: string[] = [];
      for (const change of changes) {
        // An endpoint that changed meanwhile is decided about again, in the next round.
        if (await commitChange(this.#parts, tx, epoch, change, undefined))
          ids.push(...change.ends.map((end) => end.operationId));
      }
      return ids;
    });
    for (const id of ended) operations.announce(id);
  }

  #tellProgress({ replicas }: Observed): void {
    for (const { deployments } of this.#states.values()) {
      for (const deployment of deployments) {
        if (deployment.operationId === null) continue;
        const seen = stayingReplicas(deployment).map((replica) => replicas.get(replica.id));
        this.#parts.operations.progress(deployment.operationId, progressText(deployment, seen));
      }
    }
  }
}

function heldByRunner(states: Iterable<EndpointState>): ReadonlyMap<string, readonly HeldReplica[]> {
  const held = new Map<string, HeldReplica[]>();
  for (const { deployments } of states) {
    for (const deployment of deployments) {
      for (const { id, runner, runnerKind, createdAt, readyAt } of deployment.replicas) {
        const list = held.get(runner) ?? [];
        held.set(runner, list);
        list.push({ id, deploymentId: deployment.id, runnerKind, createdAt, readyAt });
      }
    }
  }
  return held;
}
