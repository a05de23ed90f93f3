/**
 * The table of who may use whom. The linter reads it (scripts/architecture-plugin.ts), and scripts/architecture.test.ts
 * breaks every direction on purpose. A change that needs another direction is a design question: change the table
 * and say why in docs/decisions/, never silence the finding.
 *
 * What holds for all: a package is used by its name and its exports, never by a path into it; a room is used through its
 * `index.ts`, its door. Tests and test-support/ may look into every room of their package.
 */

export interface PackageRule {
  readonly purpose: string;
  /** The workspaces whose exports it may import. */
  readonly uses: readonly string[];
  /** False where the code runs in a browser too. */
  readonly node: boolean;
  /** The only packages of other people that it may import; absent: those of its package.json. */
  readonly others?: readonly string[];
}

/** The workspaces, by the name of their folder in packages/. */
export const packages = {
  protocol: {
    purpose: 'the words that every process shares; pure: no I/O',
    uses: [],
    node: false,
    others: ['zod'],
  },
  client: {
    purpose: 'typed HTTP client, made from the routes of protocol',
    uses: ['protocol'],
    node: false,
  },
  'runtime-onnx': {
    purpose: 'the process that runs ONNX models',
    uses: ['protocol'],
    node: true,
  },
  // Its programs are Python; only its tests are TypeScript.
  'runtime-python': {
    purpose: 'the process that runs one Python model',
    uses: ['protocol'],
    node: true,
  },
  // Starts the program of runtime-onnx by path, with import.meta.resolve: models never run in the server's processes.
  server: {
    purpose: 'control plane and gateway',
    // The client for what it reads of MLflow servers.
    uses: ['protocol', 'client'],
    node: true,
  },
  // Starts the program of server by path, too.
  cli: {
    purpose: 'the command line',
    uses: ['protocol', 'client'],
    node: true,
  },
} as const satisfies Record<string, PackageRule>;

export interface RoomRule {
  readonly purpose: string;
  /** The rooms whose doors it may use. Every room may use protocol. */
  readonly uses: readonly string[];
  /** True where the room is made of sub-rooms, each with a door of its own, which may use each other. */
  readonly subRooms?: boolean;
}

/** The rooms of packages/server/src, from the ground up: a room uses only rooms above it in this list. */
export const rooms = {
  platform: {
    purpose: 'domain-free plumbing: database, objects, processes, http, telemetry, clock',
    uses: [],
    subRooms: true,
  },
  // Read by the composition roots only, which pass values on: a room never looks up a setting by itself.
  config: {
    purpose: 'one schema of settings: defaults < file < environment < flags',
    uses: [],
  },
  ledger: {
    purpose: 'append, tree, checkpoint',
    uses: ['platform'],
  },
  identity: {
    purpose: 'who asks, what they may do',
    uses: ['ledger', 'platform'],
  },
  secrets: {
    purpose: 'values that deployments refer to: sealed, written, used, never read',
    uses: ['identity', 'ledger', 'platform'],
  },
  audit: {
    purpose: 'search, prove, verify and export what the ledger keeps',
    uses: ['identity', 'ledger', 'platform'],
  },
  notifications: {
    purpose: 'tells people what happened: webhooks, mail, chat',
    uses: ['identity', 'ledger', 'platform'],
  },
  usecases: {
    purpose: 'why models exist: proposed, reviewed, decided',
    uses: ['notifications', 'identity', 'ledger', 'platform'],
  },
  standing: {
    purpose: 'which endpoints are in production, what may change while they are, and who may call before',
    uses: ['notifications', 'identity', 'ledger', 'platform'],
  },
  registry: {
    purpose: 'models, versions, aliases',
    uses: ['identity', 'ledger', 'platform'],
  },
  runners: {
    purpose: 'the runtime host: starts, limits and watches runner processes and the replicas in them',
    uses: ['platform'],
  },
  serving: {
    purpose: 'the data plane in the gateway process; its routing table is pushed in',
    uses: ['identity', 'platform'],
  },
  deployments: {
    purpose: 'endpoints, traffic, reconcile',
    uses: ['registry', 'serving', 'runners', 'usecases', 'standing', 'secrets', 'identity', 'ledger', 'platform'],
  },
  usage: {
    purpose: 'who calls what: what the gateways count, and what of the daily quotas is used',
    uses: ['deployments', 'serving', 'identity', 'platform'],
  },
  history: {
    purpose: 'what is live and what was, at which share, by whose decision',
    uses: ['deployments', 'usecases', 'standing', 'identity', 'ledger', 'platform'],
  },
  following: {
    purpose: 'endpoints that serve what an alias of an MLflow server names',
    uses: ['deployments', 'registry', 'identity', 'ledger', 'platform'],
  },
  scoring: {
    purpose: 'batch jobs: tables that are answered row by row',
    uses: ['deployments', 'registry', 'runners', 'secrets', 'identity', 'ledger', 'platform'],
  },
  observing: {
    purpose: 'endpoints that something else serves: listed, looked at, imported',
    uses: ['deployments', 'usecases', 'notifications', 'identity', 'ledger', 'platform'],
  },
  readiness: {
    purpose: 'checks, evidence, verdicts, submissions and waivers: what production asks for',
    uses: [
      'usage',
      'deployments',
      'registry',
      'usecases',
      'standing',
      'notifications',
      'identity',
      'ledger',
      'platform',
    ],
  },
  drills: {
    purpose: 'evidence that is made by doing it: load, failover, rollback',
    uses: ['readiness', 'deployments', 'runners', 'notifications', 'identity', 'ledger', 'platform'],
  },
  insights: {
    purpose: 'time to production, and where it is lost',
    uses: ['readiness', 'deployments', 'registry', 'usecases', 'standing', 'identity', 'platform'],
  },
  backups: {
    purpose: 'backups of the whole installation, and restoring them',
    uses: ['identity', 'ledger', 'platform'],
  },
  installation: {
    purpose: 'how the installation is as a whole, and the operations that run in it',
    uses: ['runners', 'identity', 'platform'],
  },
} as const satisfies Record<string, RoomRule>;

/**
 * The files directly in packages/server/src, one composition root a process: they may use the door of every room, and
 * each other as listed here. No room may use them.
 */
export const roots = {
  main: ['supervisor', 'control', 'gateway', 'restore'],
  supervisor: [],
  control: ['control-start', 'governance'],
  'control-start': [],
  governance: [],
  gateway: [],
  restore: [],
} as const satisfies Record<string, readonly string[]>;

/** Where the environment of the process may be read; everybody else is passed a value. */
export const readsEnvironment = [
  'packages/server/src/config/**',
  'packages/cli/src/**',
  'packages/cli/bin/**',
  'packages/runtime-onnx/src/program.ts',
  'packages/runtime-onnx/src/inspect.ts',
  'scripts/**',
  'bench/**',
  'e2e/**',
  '**/*.test.ts',
  '**/test-support/**',
];
