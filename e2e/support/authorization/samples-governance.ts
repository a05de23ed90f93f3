import type { Action } from '@muster-ml/protocol';
import { type Names, type Owners, type Sample, type Samples, type Step, ofInstallation, refused } from './sample.ts';

const onSecret =
  (action: Action) =>
  ({ team }: Names): readonly Step[] => [
    { action, target: { kind: 'secret', team }, hidden: { status: 404, code: 'secret_not_found' } },
  ];
const ofSecret = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({ steps: onSecret(action), hides: 'secret' });
const nameOf = ({ team, secret }: Names) => ({ params: { team, secret } });
const onEntry = ({ team }: Names, { admin }: Owners): readonly Step[] => [
  {
    action: 'audit.read',
    target: { kind: 'entry', team, owner: admin },
    hidden: { status: 404, code: 'entry_not_found' },
  },
];
const onOperation =
  (action: Action) =>
  ({ team, endpoint }: Names, { admin }: Owners): readonly Step[] => [
    {
      action,
      target: { kind: 'operation', team, endpoint, owner: admin },
      hidden: { status: 404, code: 'operation_not_found' },
    },
  ];
const ofOperation = (action: Action): Sample => ({
  request: ({ operation }) => ({ params: { operation } }),
  steps: onOperation(action),
  hides: 'operation',
});
const ofAll = (action: Action, more: Partial<Sample> = {}): Sample => ({
  request: () => ({}),
  steps: () => [{ action, target: ofInstallation, hidden: refused }],
  ...more,
});

/** Samples of the routes of the installation, operations, the ledger, secrets and backups. */
export const governanceSamples: Samples<
  | 'status'
  | 'operationGet'
  | 'operationWatch'
  | 'operationCancel'
  | 'auditEntryList'
  | 'auditEntryGet'
  | 'auditEntryProve'
  | 'auditCheckpointList'
  | 'auditCheckpoint'
  | 'auditVerify'
  | 'auditExport'
  | 'auditKeys'
  | 'auditKeyRotate'
  | 'secretList'
  | 'secretGet'
  | 'secretSet'
  | 'secretDelete'
  | 'secretKeyRotate'
  | 'backupCreate'
  | 'backupList'
> = {
  status: [ofAll('installation.read')],
  operationGet: [ofOperation('operation.read')],
  operationWatch: [ofOperation('operation.read')],
  // It has ended: cancelling it changes nothing.
  operationCancel: [ofOperation('operation.cancel')],
  auditEntryList: [{ request: () => ({}), steps: () => [{ action: 'audit.read' }] }],
  auditEntryGet: [{ request: ({ entry }) => ({ params: { seq: entry } }), steps: onEntry, hides: 'entry' }],
  auditEntryProve: [{ request: ({ entry }) => ({ params: { seq: entry } }), steps: onEntry, hides: 'entry' }],
  auditCheckpointList: [ofAll('audit.verify')],
  auditCheckpoint: [ofAll('audit.checkpoint')],
  auditVerify: [ofAll('audit.verify', { request: () => ({ body: {} }) })],
  auditExport: [ofAll('audit.export')],
  auditKeys: [ofAll('installation.read')],
  auditKeyRotate: [ofAll('audit.rotate-key')],
  secretList: [
    {
      request: () => ({ query: { limit: '1000' } }),
      steps: () => [{ action: 'secret.read' }],
      list: {
        keyOf: (secret: { readonly reference: string }) => secret.reference,
        all: ({ secrets }) =>
          secrets.map(({ name, team }) => ({ key: `secret://${team}/${name}`, target: { kind: 'secret', team } })),
      },
    },
  ],
  secretGet: [{ request: nameOf, ...ofSecret('secret.read') }],
  secretSet: [
    { request: (names) => ({ ...nameOf(names), body: { value: 'eight or more' } }), ...ofSecret('secret.set') },
  ],
  secretDelete: [
    {
      request: nameOf,
      ...ofSecret('secret.delete'),
      prepare: async (maker) => ({ secret: await maker.secret() }),
    },
  ],
  secretKeyRotate: [ofAll('secret.rotate')],
  // One at a time: who comes while another is made is told so.
  backupCreate: [ofAll('installation.backup', { allowed: [{ status: 202 }, { status: 409, code: 'backup_running' }] })],
  backupList: [ofAll('installation.backup')],
};
