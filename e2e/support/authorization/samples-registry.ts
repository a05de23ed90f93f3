import type { Action } from '@muster-ml/protocol';
import type { Target } from './oracle.ts';
import { type Names, type Owners, type Sample, type Samples, type Step, refused } from './sample.ts';

const modelOf = ({ team }: Names): Target => ({ kind: 'model', team });
const onModel =
  (action: Action) =>
  (names: Names): readonly Step[] => [
    { action, target: modelOf(names), hidden: { status: 404, code: 'model_not_found' } },
  ];
const anyDigest = 'a'.repeat(64);

/** An upload is there for who started it only. */
const onUpload = (_names: Names, { scientist }: Owners): readonly Step[] => [
  {
    action: 'upload.create',
    target: { kind: 'upload', team: 'any', owner: scientist, isPrivate: true },
    hidden: { status: 404, code: 'upload_not_found' },
  },
];
const ofModel = (action: Action): Pick<Sample, 'steps' | 'hides'> => ({ steps: onModel(action), hides: 'model' });
const ofUpload: Pick<Sample, 'steps' | 'hides'> = { steps: onUpload, hides: 'upload' };

/** Samples of the routes of models, versions, aliases and uploads. */
export const registrySamples: Samples<
  | 'uploadStart'
  | 'uploadGet'
  | 'uploadPart'
  | 'uploadComplete'
  | 'uploadAbort'
  | 'modelList'
  | 'modelCreate'
  | 'modelGet'
  | 'versionList'
  | 'versionRegister'
  | 'versionGet'
  | 'versionFile'
  | 'aliasSet'
  | 'aliasDelete'
> = {
  uploadStart: [
    {
      request: () => ({ body: { sizeBytes: 10 } }),
      steps: () => [{ action: 'upload.create', target: { kind: 'upload', team: 'any' }, hidden: refused }],
    },
  ],
  uploadGet: [{ request: ({ upload }) => ({ params: { upload } }), ...ofUpload }],
  uploadPart: [
    {
      request: ({ upload }) => ({ params: { upload, part: '1' }, body: new Uint8Array(10) }),
      ...ofUpload,
    },
  ],
  uploadComplete: [
    {
      request: ({ upload }) => ({ params: { upload } }),
      ...ofUpload,
      allowed: [{ status: 200 }, { status: 412, code: 'upload_incomplete' }],
    },
  ],
  uploadAbort: [
    {
      request: ({ upload }) => ({ params: { upload } }),
      ...ofUpload,
      prepare: async (maker, holder) => ({ upload: await maker.upload(holder) }),
    },
  ],
  modelList: [
    {
      request: () => ({ query: { limit: '1000' } }),
      steps: () => [{ action: 'model.read' }],
      list: {
        keyOf: (model: { readonly name: string }) => model.name,
        all: ({ models }) => models.map(({ name, team }) => ({ key: name, target: { kind: 'model', team } })),
      },
    },
  ],
  modelCreate: [
    {
      request: ({ model, team }) => ({ body: { name: model, team } }),
      steps: (names) => [
        { action: 'model.create', target: modelOf(names), hidden: { status: 404, code: 'team_not_found' } },
      ],
      allowed: [{ status: 409, code: 'model_exists' }],
      hides: 'team',
    },
  ],
  modelGet: [{ request: ({ model }) => ({ params: { model } }), ...ofModel('model.read') }],
  versionList: [{ request: ({ model }) => ({ params: { model } }), ...ofModel('version.read') }],
  versionRegister: [
    {
      request: ({ model }) => ({ params: { model }, body: { digest: anyDigest } }),
      ...ofModel('version.register'),
      allowed: [{ status: 404, code: 'object_not_found' }],
    },
  ],
  versionGet: [{ request: ({ model }) => ({ params: { model, version: '1' } }), ...ofModel('version.read') }],
  versionFile: [{ request: ({ model }) => ({ params: { model, version: '1' } }), ...ofModel('version.read') }],
  aliasSet: [
    {
      request: ({ model }) => ({ params: { model, alias: 'champion' }, body: { version: 1 } }),
      ...ofModel('alias.set'),
    },
  ],
  aliasDelete: [
    {
      request: ({ model }) => ({ params: { model, alias: 'nothing' } }),
      ...ofModel('alias.set'),
      allowed: [{ status: 404, code: 'alias_not_found' }],
    },
  ],
};
