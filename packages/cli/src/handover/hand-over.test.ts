import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, createHome } from '../../test-support/run-cli.ts';
import { type TwinServer, startTwinServer } from '../../test-support/twin-server.ts';
import { softwareVersion } from '../software-version.ts';

let home: Home;
let twin: TwinServer;

beforeEach(async () => {
  home = createHome();
  twin = await startTwinServer();
  write('.config/muster/config.json', JSON.stringify({ server: twin.url, tokens: { [twin.url]: twin.token } }));
  chmodSync(join(home.folder, '.config/muster/config.json'), 0o600);
  write('churn.pkl', Buffer.from([0x80, 4, 0x4e, 0x2e]));
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

function write(name: string, content: string | Uint8Array): string {
  const path = join(home.folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function registered(): Record<string, unknown> {
  return twin.seen.findLast(({ route }) => route === 'versionRegister')?.body as Record<string, unknown>;
}

function routesSeen(): string[] {
  return twin.seen.map(({ route }) => route);
}

/** A Python in the cache of the command line that answers every look with the same. */
function pythonThatSays(answer: object): void {
  const path = write(
    `.cache/muster/inspect-${softwareVersion()}/bin/python`,
    `#!/bin/sh\ncase "$*" in *version_info*) echo 3.12;; *) cat "$0.json";; esac\n`,
  );
  writeFileSync(`${path}.json`, JSON.stringify(answer));
  chmodSync(path, 0o755);
}

const pickle = {
  ok: true,
  format: 'pickle',
  runtime: 'python',
  producer: 'scikit-learn 1.5.2',
  modelClass: 'sklearn.pipeline.Pipeline',
  modules: ['sklearn'],
  requirements: ['scikit-learn==1.5.2'],
  pythonVersion: null,
  dangers: [],
  missing: [],
  hasSignature: true,
  adaptations: [],
  scanner: 'picklescan 1.0.5',
  details: {},
};

describe('a pickle', () => {
  test('travels with what its owner says about Python', async () => {
    write('requirements.txt', 'scikit-learn==1.5.2\npandas\n');
    const words = ['deploy', join(home.folder, 'churn.pkl'), '--python', '3.11.7', '--requirements'];
    const { code, stderr } = await home.run([...words, join(home.folder, 'requirements.txt'), '--threads', '2']);
    expect(stderr).toContain('registered churn:1');
    expect(code).toBe(0);
    expect(registered()['python']).toEqual({ version: '3.11', requirements: ['scikit-learn==1.5.2', 'pandas'] });
    const deployed = twin.seen.findLast(({ route }) => route === 'deploy')?.body;
    expect(deployed).toMatchObject({ settings: { python: { threads: 2 }, onnx: { intraOpThreads: 1 } } });
  });

  test('may come with a sample in JSON, with the answers that are expected', async () => {
    const sample = {
      inputs: [{ name: 'age', datatype: 'FP64', shape: [1], data: [31] }],
      outputs: [{ name: 'label', datatype: 'INT64', shape: [1], data: [0] }],
      isTable: true,
    };
    const path = write('sample.json', JSON.stringify(sample));
    const { code } = await home.run(['model', 'push', join(home.folder, 'churn.pkl'), '--sample', path]);
    expect(code).toBe(0);
    expect(registered()).toMatchObject({ sample });
    expect(registered()).not.toHaveProperty('sampleCsv');
  });

  test('is registered again only where what is said of its environment is new', async () => {
    const push = async (...more: string[]): Promise<string> =>
      (await home.run(['model', 'push', join(home.folder, 'churn.pkl'), ...more])).stdout.trim();
    expect(await push('--requirements', 'Scikit_Learn==1.5.2', '--python', '3.11')).toBe('churn:1');
    expect(await push('--requirements', 'scikit-learn == 1.5.2', '--python', '3.11')).toBe('churn:1');
    expect(await push()).toBe('churn:1');
    expect(await push('--requirements', 'scikit-learn==1.6.0', '--python', '3.11')).toBe('churn:2');
    expect(await push('--python', '3.12')).toBe('churn:3');
  });

  test.each([
    ['sample_needed', '--sample rows.csv'],
    ['requirements_needed', '--requirements requirements.txt'],
  ] as const)('of which the server says %s is refused with the whole command to copy', async (code, flag) => {
    twin.failNext('versionRegister', code, 'it does not tell');
    const path = join(home.folder, 'churn.pkl');
    const { stderr, code: exit } = await home.run(['deploy', path, '--name', 'churn', '--python', '3.11']);
    expect(exit).toBe(1);
    expect(stderr).toMatch(new RegExp(`deploy ${path} --name churn --python 3\\.11 ${flag}$`, 'm'));
  });
});

describe('a look before the upload', () => {
  test('asks for what is missing and sends nothing', async () => {
    const why = 'the model imports own_code, and the file does not tell where that comes from';
    const missing = [{ kind: 'requirement', what: 'own_code', why, remedy: 'Name it: --requirements.' }];
    pythonThatSays({ ...pickle, missing });
    const path = join(home.folder, 'churn.pkl');
    const { code, stderr } = await home.run(['deploy', path]);
    expect(code).toBe(1);
    expect(stderr).toContain('own_code');
    expect(stderr).toMatch(/--requirements requirements\.txt$/m);
    expect(routesSeen()).not.toContain('uploadStart');
    expect((await home.run(['deploy', path, '--requirements', 'own-code==1.0'])).code).toBe(0);
  });

  test('tells what is wrong with a file before it is sent', async () => {
    const problem = {
      code: 'invalid_model_file',
      title: '',
      detail: 'the pickle is cut off',
      remedy: 'Copy it again.',
    };
    pythonThatSays({ ok: false, problem });
    const { code, stderr } = await home.run(['model', 'push', join(home.folder, 'churn.pkl')]);
    expect(code).toBe(1);
    expect(stderr).toContain('the pickle is cut off');
    expect(routesSeen()).not.toContain('uploadStart');
  });

  test('that fails stops nothing, and what is dangerous is said', async () => {
    pythonThatSays({});
    expect((await home.run(['model', 'push', join(home.folder, 'churn.pkl')])).code).toBe(0);
    pythonThatSays({ ...pickle, dangers: [{ severity: 'dangerous', what: 'posix.system' }] });
    const { code, stderr } = await home.run(['model', 'push', join(home.folder, 'churn.pkl'), '--python', '3.11']);
    expect(stderr).toContain('it runs code when it is loaded: posix.system');
    expect(code).toBe(0);
  });
});

describe('a folder', () => {
  test('travels as one tar file, and as the same one again', async () => {
    write('ranking/model.py', 'def load(path): ...\ndef predict(model, data): ...\n');
    write('ranking/__pycache__/model.pyc', 'x');
    const folder = join(home.folder, 'ranking');
    const first = await home.run(['deploy', folder]);
    expect(first.stderr).toMatch(/packed \S+ranking {2}1 files?, /);
    expect(first.stdout).toBe(`${twin.url}/predict/ranking\n`);
    expect(registered()['digest']).toMatch(/^[0-9a-f]{64}$/);
    const again = await home.run(['deploy', folder]);
    expect(again.stderr).toContain('ranking is ranking:1 already');
    expect(routesSeen().filter((route) => route === 'uploadStart')).toHaveLength(1);
  });

  test('of MLflow with an ONNX model is handed over as that model, unless part of it lies beside', async () => {
    const mlmodel =
      'flavors:\n  onnx:\n    data: model.onnx\n    onnx_version: 1.16.0\n  python_function:\n    data: model.onnx\n';
    write('iris/MLmodel', mlmodel);
    const onnx = write('iris/model.onnx', Buffer.alloc(2000, 7));
    const digest = createHash('sha256').update(readFileSync(onnx)).digest('hex');
    const { stderr } = await home.run(['model', 'push', join(home.folder, 'iris')]);
    expect(stderr).toContain('model.onnx alone: ONNX runs without Python');
    expect(registered()['digest']).toBe(digest);
    write('iris/model.onnx.data', 'weights');
    await home.run(['model', 'push', join(home.folder, 'iris')]);
    expect(registered()['digest']).not.toBe(digest);
  });
});
