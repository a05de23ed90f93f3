import { observeSchema } from '@muster-ml/protocol';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { imageParts, storageText } from './manifest.ts';
import { readManifests } from './read-manifests.ts';

const read = (text: string, defaults = {}) => readManifests([{ path: 'm.yaml', text }], defaults);
const bodies = (text: string) => read(text).items.map(({ body }) => body);

const kserve = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: card-fraud
  namespace: payments
  labels: {owner: risk, version: "12"}
  annotations:
    serving.kserve.io/deploymentMode: RawDeployment
spec:
  predictor:
    minReplicas: 2
    canaryTrafficPercent: 10
    model:
      modelFormat: {name: sklearn, version: "1"}
      protocolVersion: v2
      runtime: kserve-mlserver
      storageUri: s3://models/card-fraud/12
status:
  url: http://card-fraud.payments.example.org
`;

describe('manifests of KServe', () => {
  test('an InferenceService says what it serves, how, and where it answers', () => {
    expect(bodies(kserve)).toEqual([
      {
        name: 'card-fraud',
        platform: 'kserve',
        location: 'http://card-fraud.payments.example.org',
        model: 's3://models/card-fraud/12',
        version: '12',
        tags: { format: 'sklearn', runtime: 'kserve-mlserver', owner: 'risk', version: '12' },
      },
    ]);
  });

  test.each([
    'sklearn',
    'xgboost',
    'pytorch',
    'onnx',
    'triton',
    'tensorflow',
    'lightgbm',
    'pmml',
    'paddle',
    'huggingface',
  ])('names its framework by a field of its own: %s', (framework) => {
    const [body] = bodies(`
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata: {name: iris}
spec: {predictor: {${framework}: {storageUri: "gs://bucket/iris", runtimeVersion: "1.0"}}}
`);
    expect(body).toMatchObject({
      name: 'iris',
      location: 'iris',
      model: 'gs://bucket/iris',
      tags: { format: framework },
    });
  });

  test('may name a key of the storage secret, or an image of its own', () => {
    const text = (predictor: string) =>
      `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: a, namespace: n}\nspec: {predictor: ${predictor}}\n`;
    expect(bodies(text('{model: {modelFormat: {name: onnx}, storage: {key: s3, path: models/a}}}'))).toMatchObject([
      { model: 'models/a', location: 'n/a' },
    ]);
    expect(bodies(text('{containers: [{name: kserve-container, image: "registry:5000/team/a:1.4"}]}'))).toMatchObject([
      { model: 'registry:5000/team/a', version: '1.4' },
    ]);
  });

  test('of other kinds are left out with the reason; the form of before v1beta1 too', () => {
    const { items, skipped, others } = read(`
apiVersion: serving.kserve.io/v1alpha1
kind: ServingRuntime
metadata: {name: mlserver, namespace: n}
---
apiVersion: serving.kserve.io/v1alpha1
kind: InferenceGraph
metadata: {name: splitter}
---
apiVersion: serving.kubeflow.org/v1alpha2
kind: InferenceService
metadata: {name: old}
spec: {default: {predictor: {sklearn: {storageUri: gs://x}}}}
`);
    expect([items, others]).toEqual([[], 0]);
    expect(skipped.map(({ what, place }) => [what, place])).toEqual([
      ['ServingRuntime n/mlserver', 'm.yaml:2'],
      ['InferenceGraph splitter', 'm.yaml:6'],
      ['InferenceService old', 'm.yaml:10'],
    ]);
    expect(skipped[2]?.why).toContain('no spec.predictor, as v1beta1 has');
  });
});

const seldon = `
apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: churn
  namespace: seldon
spec:
  name: churn
  predictors:
    - name: canary
      replicas: 1
      traffic: 25
      graph:
        name: classifier
        implementation: XGBOOST_SERVER
        modelUri: gs://models/churn/2
    - name: main
      replicas: 2
      traffic: 75
      graph:
        name: features
        type: TRANSFORMER
        children:
          - name: classifier
            implementation: SKLEARN_SERVER
            modelUri: gs://models/churn/1
    - name: trial
      shadow: true
      graph: {name: classifier, implementation: SKLEARN_SERVER, modelUri: gs://models/churn/3}
`;

describe('manifests of Seldon', () => {
  test('a SeldonDeployment serves what its predictor with the most traffic does', () => {
    expect(bodies(seldon)).toEqual([
      {
        name: 'churn',
        platform: 'seldon',
        location: 'seldon/churn',
        description: 'Predictors: canary 25 %, main 75 %, trial (shadow).',
        model: 'gs://models/churn/1',
        tags: { implementation: 'SKLEARN_SERVER' },
      },
    ]);
  });

  test('may bring an image of its own', () => {
    const [body] = bodies(`
apiVersion: machinelearning.seldon.io/v1alpha2
kind: SeldonDeployment
metadata: {name: own}
spec:
  predictors:
    - name: default
      componentSpecs: [{spec: {containers: [{name: classifier, image: "example.org/own:0.3"}]}}]
      graph: {name: classifier, type: MODEL, endpoint: {type: REST}, children: []}
`);
    expect(body).toMatchObject({ model: 'example.org/own', version: '0.3', location: 'own' });
  });

  test('a Model of Core 2 says where it lies and what it needs; pipelines and servers are no endpoints', () => {
    const { items, skipped } = read(`
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: income, namespace: seldon-mesh}
spec: {storageUri: "gs://models/income", requirements: [sklearn, pandas], memory: 100Ki}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Pipeline
metadata: {name: chain}
spec: {steps: [{name: income}]}
---
apiVersion: mlops.seldon.io/v1alpha1
kind: Model
metadata: {name: income-explainer}
spec: {storageUri: "gs://models/explainer", explainer: {type: anchor_tabular, modelRef: income}}
`);
    expect(items.map(({ body }) => body)).toEqual([
      {
        name: 'income',
        platform: 'seldon',
        location: 'seldon-mesh/income',
        model: 'gs://models/income',
        tags: { requirements: 'sklearn,pandas' },
      },
    ]);
    expect(skipped.map(({ what }) => what)).toEqual(['Pipeline chain', 'Model income-explainer']);
  });
});

describe('what lies beside them', () => {
  test('is counted and never taken over: a Secret leaves no word', () => {
    const answer = read(`
apiVersion: v1
kind: Secret
metadata: {name: s3}
stringData: {password: hunter2}
---
---
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
---
just: something
---${kserve}`);
    expect(answer.others).toBe(3);
    expect(answer.items).toHaveLength(1);
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  test('a list, as kubectl prints several, is read through; so is JSON', () => {
    const item = {
      apiVersion: 'serving.kserve.io/v1beta1',
      kind: 'InferenceService',
      metadata: { name: 'a' },
      spec: { predictor: { sklearn: { storageUri: 'gs://a' } } },
    };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' } };
    const answer = read(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item, secret] }));
    expect([answer.items.length, answer.others]).toEqual([1, 1]);
  });

  test('what may be a secret in an address is cut off', () => {
    expect(storageText('https://user:pass@store.example.org/m.onnx?sig=abc#x')).toBe(
      'https://store.example.org/m.onnx',
    );
    expect(storageText(`s3://${'a'.repeat(400)}/model`)).toMatch(/^…a+\/model$/);
    expect(storageText(`s3://${'a'.repeat(400)}`)).toHaveLength(256);
    expect(imageParts('example.org/a@sha256:00ff')).toEqual({ model: 'example.org/a', version: 'sha256:00ff' });
    expect(imageParts('localhost:5000/a')).toEqual({ model: 'localhost:5000/a' });
  });

  test('labels are tags as far as they fit', () => {
    const labels = Object.fromEntries(Array.from({ length: 80 }, (_, at) => [`l${at}`, 'x']));
    const manifest = {
      apiVersion: 'mlops.seldon.io/v1alpha1',
      kind: 'Model',
      metadata: { name: 'a', labels: { ['k'.repeat(101)]: 'x', long: 'v'.repeat(1001), count: 3, ...labels } },
      spec: { storageUri: 'gs://a', requirements: ['sklearn'] },
    };
    const [body] = bodies(JSON.stringify(manifest));
    expect(observeSchema.safeParse(body).success).toBe(true);
    expect(body?.tags).toMatchObject({ requirements: 'sklearn', l0: 'x' });
    expect(Object.keys(body?.tags ?? {})).toHaveLength(50);
  });
});

describe('names', () => {
  const service = (name: string, namespace?: string) =>
    `apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: ${name}${namespace === undefined ? '' : `, namespace: ${namespace}`}}\nspec: {predictor: {sklearn: {storageUri: gs://a}}}\n`;

  test('become those of endpoints, with the namespace before where two are alike', () => {
    const names = bodies([service('a.b'), service('fraud', 'x'), service('fraud', 'y')].join('---\n')).map(
      ({ name }) => name,
    );
    expect(names).toEqual(['a-b', 'x-fraud', 'y-fraud']);
  });

  test('that stay alike are refused with both places', () => {
    expect(() => read([service('fraud'), service('fraud')].join('---\n'))).toThrow(
      expect.objectContaining({ message: 'm.yaml:6 and m.yaml:1 would both be fraud' }),
    );
  });

  test('without a letter are left out', () => {
    expect(read(service('"42"')).skipped.map(({ why }) => why)).toEqual(['no letter of its name can be kept']);
  });
});

describe('a file that is no plain YAML', () => {
  const refusal = (text: string): UsageError => {
    try {
      read(text);
    } catch (error) {
      if (error instanceof UsageError) return error;
      throw error;
    }
    throw new Error('it was taken');
  };

  test('is refused with its line', () => {
    expect(refusal('a: 1\nb: [1,\n')).toMatchObject({ place: expect.stringMatching(/^m\.yaml:[23]$/) as unknown });
    expect(refusal('a: 1\n---\n{{- if .Values.x }}\nb: 1\n{{- end }}\n').place).toMatch(/^m\.yaml:[34]$/);
  });

  test('is refused where it has a tag of a language, or a key twice', () => {
    expect(refusal('a: !!python/object/apply:os.system ["id"]\n').message).toContain('no plain YAML');
    expect(refusal('a: 1\na: 2\n').message).toContain('no plain YAML');
  });

  test('is refused where a few lines stand for very many', () => {
    const bomb = [
      'a: &a [x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map((name, at) => {
        const before = 'abcdefgh'[at] ?? 'a';
        return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`;
      }),
    ].join('\n');
    expect(refusal(bomb).message).toBe('it has more than 100 aliases');
  });

  test('does not reach the prototype of anything', () => {
    const answer = read(
      '__proto__: {kind: InferenceService, apiVersion: serving.kserve.io/v1beta1}\nconstructor: {x: 1}\n',
    );
    expect([answer.items, answer.others]).toEqual([[], 1]);
    expect(({} as Record<string, unknown>)['kind']).toBeUndefined();
  });
});
