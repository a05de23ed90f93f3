import { notificationEvents, receiverUrlSchema } from '@muster-ml/protocol';
import { z } from 'zod';
import { observingSettings } from './observing-settings.ts';

/** Marks a setting whose value must never be shown; it prints as `•••`. */
const secret = { secret: true };

const MiB = 1024 * 1024;

const bytes = z.number().int().min(1);
const milliseconds = z.number().int().min(0);
const path = z.string().min(1).max(4096);
const address = z
  .string()
  .max(300)
  .regex(/^(unix:\/.+|http:\/\/[^/\s]+)$/, 'must look like unix:/path/to/socket or http://host:port');

const mailAddress = z.email('must look like muster@example.org').max(254);
/** What of all that is told a receiver wants. */
const wanted = {
  events: z.array(z.enum(notificationEvents)).min(1).optional().describe('Events that it wants. Default: all'),
};

/** Where the first start saves the admin token and the CLI looks for it, and so on: paths that may be left to the machine. */
const places = {
  dataDir: path.default('.muster').describe('Folder of the database, the models and the logs. One server a folder'),
  configDir: path
    .optional()
    .describe(
      "The user's configuration folder, where the first start saves the admin token for the CLI. Default: muster in $XDG_CONFIG_HOME, else in ~/.config",
    ),
  runtimeDir: path
    .optional()
    .describe(
      'Folder of the Unix sockets, at most 60 bytes long. Default: a folder of this data directory in $XDG_RUNTIME_DIR, else in /run or /tmp',
    ),
};

/**
 * Every setting of Muster: its path in the file names its environment variable and its flag.
 * A setting that is here has an effect; what has none is not here.
 */
export const settingsSchema = z.strictObject({
  ...places,
  host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on'),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(7070)
    .describe('Port of everything: predictions, API and console. 0 takes a free one'),
  environment: z
    .string()
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens')
    .max(53)
    .default('dev')
    .describe('Name of the environment that this installation is, such as dev or prod'),
  databaseUrl: z
    .string()
    .min(1)
    .optional()
    .describe('postgres://… of the database. Default: an embedded SQLite file in the data directory')
    .meta(secret),
  allowPlainHttp: z
    .boolean()
    .default(false)
    .describe('Allow plain HTTP beyond this machine, where nobody can read the traffic'),
  trustedProxies: z
    .array(z.string().min(1).max(100))
    .default([])
    .describe('Addresses or networks (10.0.0.0/8) of the proxies that end TLS in front of Muster'),
  tls: z
    .strictObject({
      cert: path.optional().describe('PEM file of the certificate and its chain; read again when it changes'),
      key: path.optional().describe('PEM file of the private key; read again when it changes'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least level that is logged'),
      maxFileBytes: bytes
        .min(64 * 1024)
        .default(10 * MiB)
        .describe('Size at which a log file is closed and the next one begun'),
      maxFiles: z.number().int().min(1).max(1000).default(5).describe('Log files that are kept for each process'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      maxModelBytes: bytes.default(10 * 1024 * MiB).describe('Largest model file'),
      inspectionMs: milliseconds.min(100).default(60_000).describe('Longest inspection of a model file'),
      inspectionMemoryBytes: bytes
        .min(128 * MiB)
        .default(4096 * MiB)
        .describe('Most memory that the inspection of a model file may take'),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      staleAuthLimitMs: milliseconds
        .default(86_400_000)
        .describe('How long predictions go on with the last known tokens while control is down'),
      openMetrics: z
        .boolean()
        .default(false)
        .describe(
          'Let anybody on this machine read /metrics without a token, while Muster listens on loopback without a proxy in front',
        ),
      allowedHosts: z
        .array(
          z
            .string()
            .max(255)
            .regex(
              /^([A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?)$/,
              'must look like muster.example.org, without a port',
            ),
        )
        .max(100)
        .default([])
        .describe(
          'Host names that requests may be sent to, besides those of this machine; with none, plain HTTP on loopback takes only those, and other addresses take any',
        ),
      maxConnections: z.number().int().min(1).max(1_000_000).default(16_384).describe('Most open connections'),
      bodyMs: milliseconds
        .min(100)
        .default(60_000)
        .describe('Longest time in which the body of a prediction must have arrived'),
      maxBodyBytesInFlight: bytes
        .default(1024 * MiB)
        .describe('Most bytes of predictions that are read or answered at once; above it callers get 429'),
      maxForwards: z
        .number()
        .int()
        .min(1)
        .max(100_000)
        .default(256)
        .describe('Most requests that are passed on to control at once; above it callers get 503'),
      forwardIdleMs: milliseconds
        .min(1000)
        .default(120_000)
        .describe('Longest silence of control within a request that is passed on'),
      drainMs: milliseconds.default(30_000).describe('Longest wait for open requests at a stop'),
    })
    .prefault({}),
  runners: z
    .strictObject({
      isolation: z
        .enum(['auto', 'required', 'bubblewrap', 'namespaces', 'uid', 'landlock', 'none'])
        .default('auto')
        .describe(
          'How runners are caged: auto takes the strongest that works here, required refuses to start without any, a name takes that one or refuses',
        ),
      hangMs: milliseconds
        .min(1000)
        .default(60_000)
        .describe('A runner that does not answer for this long is ended and started again'),
      loadMs: milliseconds.min(1000).default(300_000).describe('Longest load and warm-up of a model'),
      parallelLoads: z
        .number()
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('Models that one runner loads at the same time'),
    })
    .prefault({}),
  python: z
    .strictObject({
      interpreters: z
        .array(path)
        .max(50)
        .default([])
        .describe(
          'Interpreters that models may run with; those on the PATH and of pyenv and uv are found by themselves',
        ),
      default: z
        .string()
        .regex(/^3\.\d{1,2}$/, 'must look like 3.11')
        .optional()
        .describe('Version for models that do not tell theirs. Default: the newest that is found'),
      uv: path
        .optional()
        .describe('The uv program. Default: the one on the PATH, else one that is installed into the data directory'),
      indexes: z
        .array(z.string().min(1).max(2000))
        .max(20)
        .default([])
        .describe(
          'Package indexes instead of pypi.org, the first wins; credentials come from a .netrc or from the environment of Muster',
        ),
      wheelFolders: z.array(path).max(20).default([]).describe('Folders of wheels that are looked into besides'),
      downloadHosts: z
        .array(z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must look like files.example.org'))
        .max(50)
        .default([])
        .describe('Further hosts that an index of yours sends downloads to; a caged build reaches nothing else'),
      offline: z.boolean().default(false).describe('Use no index, only wheelFolders and what is cached'),
      allowSourceBuilds: z
        .boolean()
        .default(false)
        .describe('Build packages that have no wheel, which runs their code in the cage of the build'),
      environmentMs: milliseconds.min(1000).default(900_000).describe('Longest time in which an environment is made'),
      maxEnvironmentBytes: bytes
        .min(16 * MiB)
        .default(8192 * MiB)
        .describe('Largest environment'),
      keepUnusedMs: milliseconds
        .default(7 * 86_400_000)
        .describe('How long an environment is kept that no version needs'),
      memoryBytes: bytes
        .min(128 * MiB)
        .optional()
        .describe('Most memory of a Python runner that sets no resources. Default: 4 GiB, at most half of the machine'),
    })
    .prefault({}),
  mlflow: z
    .strictObject({
      servers: z
        .array(
          z.strictObject({
            url: z
              .url({ protocol: /^https?$/ })
              .max(2000)
              .describe('Address of the server, such as http://mlflow.internal:5000'),
            username: z.string().min(1).max(200).optional().describe('User, where it asks for one'),
            passwordFile: path.optional().describe('File that holds the password of that user'),
            tokenFile: path.optional().describe('File that holds a token, where it takes those'),
          }),
        )
        .max(50)
        .default([])
        .describe('MLflow servers whose aliases endpoints may follow; no other address is ever asked'),
      followMs: milliseconds.min(1000).default(30_000).describe('How often an alias that is followed is looked at'),
    })
    .prefault({}),
  observing: observingSettings.prefault({}),
  backup: z
    .strictObject({
      folder: path
        .optional()
        .describe(
          'Folder that backups go to, best on another volume. Default: backups in the data directory; how long they are kept is yours to decide',
        ),
    })
    .prefault({}),
  readiness: z
    .strictObject({
      everyMs: milliseconds.min(200).default(15_000).describe('How often it is judged whether what stands still does'),
    })
    .prefault({}),
  drills: z
    .strictObject({
      gatewayUrl: z
        .url({ protocol: /^https?$/ })
        .max(2000)
        .optional()
        .describe(
          'Address of the gateway that drills put under load, where it is not on this machine, such as https://muster.example.org',
        ),
      lookMs: milliseconds.min(1000).default(30_000).describe('How often it is looked whether a drill is due'),
    })
    .prefault({}),
  secrets: z
    .strictObject({
      keyFile: path
        .optional()
        .describe(
          'File of the key that secrets are kept under, in a folder of its own, where older keys lie, too; made at the first start. Default: secrets/key in the data directory. No backup holds it',
        ),
      forgetLost: z
        .boolean()
        .default(false)
        .describe(
          'Start although the key of the secrets is lost, and destroy their values, which nobody can read again',
        ),
    })
    .prefault({}),
  audit: z
    .strictObject({
      checkpointMs: milliseconds
        .min(1000)
        .default(60_000)
        .describe('How often a ledger that has grown gets a signed checkpoint'),
      folder: path
        .optional()
        .describe(
          'Folder that keeps the checkpoints, on another volume and with another owner than the database. Default: ledger/checkpoints in the data directory, which is weak: who can change one can change both',
        ),
      webhooks: z
        .array(
          z.strictObject({
            url: receiverUrlSchema.describe(
              'Address that each checkpoint is posted to, such as https://audit.example.org/muster',
            ),
            tokenFile: path.optional().describe('File that holds a token for it'),
          }),
        )
        .max(10)
        .default([])
        .describe('Receivers of the checkpoints, each of which keeps its own copy'),
    })
    .prefault({}),
  notifications: z
    .strictObject({
      webhooks: z
        .array(
          z.strictObject({
            url: receiverUrlSchema.describe('Address that notifications are posted to'),
            secretFile: path.describe('File of the secret that they are signed with: whsec_ and base64'),
            ...wanted,
          }),
        )
        .max(10)
        .default([])
        .describe(
          'Receivers of notifications, each with url, secretFile and, where it does not want all, events; signed as Standard Webhooks say',
        ),
      slack: z
        .array(
          z.strictObject({
            urlFile: path.describe('File of the address of an incoming webhook, which is a secret'),
            ...wanted,
          }),
        )
        .max(10)
        .default([])
        .describe(
          'Channels of Slack, or of what takes its incoming webhooks, each with urlFile and, where it does not want all, events',
        ),
      mail: z
        .strictObject({
          host: z
            .string()
            .max(255)
            .regex(/^[A-Za-z0-9_.:-]+$/, 'must look like mail.example.org')
            .describe('Mail server that notifications are sent by. Without one, none are mailed'),
          port: z.number().int().min(1).max(65_535).default(587).describe('Port of the mail server'),
          secure: z
            .boolean()
            .default(false)
            .describe('Begin with TLS, as on port 465; otherwise STARTTLS is asked for, except on this machine'),
          username: z.string().min(1).max(200).optional().describe('User, where the mail server asks for one'),
          passwordFile: path.optional().describe('File that holds the password of that user'),
          from: mailAddress.describe('Whom notifications come from, such as muster@example.org'),
          to: z.array(mailAddress).min(1).max(50).describe('Whom they are mailed to').meta(secret),
          events: z
            .array(z.enum(notificationEvents))
            .min(1)
            .optional()
            .describe('Events that are mailed. Default: all'),
        })
        .optional(),
    })
    .prefault({}),
  internal: z
    .strictObject({
      controlAddress: address
        .optional()
        .describe(
          'Where control listens and gateways reach it, when roles are started one by one. Default: a socket in the runtime folder',
        ),
      token: z
        .string()
        .min(16)
        .max(500)
        .optional()
        .describe('Secret that control and gateways share, when roles are started one by one')
        .meta(secret),
      tokenFile: path.optional().describe('File that holds that secret'),
    })
    .prefault({}),
});

/** The settings as a file or a person may give them. */
export type Settings = z.infer<typeof settingsSchema>;

/** The settings of a process: complete, absolute, frozen. */
export type Configuration = Omit<Settings, 'configDir' | 'runtimeDir' | 'internal' | 'secrets' | 'backup'> & {
  readonly configDir: string;
  readonly runtimeDir: string;
  readonly backup: { readonly folder: string };
  readonly secrets: { readonly keyFile: string; readonly forgetLost: boolean };
  /** `token` is there when a role runs: the supervisor makes one, a role on its own is given one. */
  readonly internal: { readonly controlAddress: string; readonly token: string | undefined };
};
