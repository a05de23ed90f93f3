import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPythonVersion, readRequirements } from './read-requirements.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-requirements-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string, name = 'requirements.txt'): string[] {
  writeFileSync(join(folder, name), text);
  return readRequirements(name, folder);
}

test('comments, hashes and empty lines are left out, and each requirement counts once', () => {
  const text =
    '# made by pip-compile\npandas>=2 # frames\n\nnumpy==1.26.4 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\npandas>=2\n';
  expect(read(text)).toEqual(['pandas>=2', 'numpy==1.26.4']);
});

test('files that it names by -r are read too', () => {
  writeFileSync(join(folder, 'base.txt'), 'scikit-learn==1.5.2\n');
  expect(read('-r base.txt\nxgboost\n')).toEqual(['scikit-learn==1.5.2', 'xgboost']);
});

test.each([
  ['-r self.txt', 'includes itself'],
  ['--index-url https://pypi.example', 'where packages come from is a setting of the server'],
  ['-e .', 'lies on this machine'],
  ['./wheels/own-1.0-py3-none-any.whl', 'lies on this machine'],
  ['--no-binary :all:', 'the option `--no-binary` is not read'],
  ['-r missing.txt', 'there is no file missing.txt'],
  ['?', '`?` is no requirement'],
])('the line %s is refused with what is wrong', (line, message) => {
  expect(() => read(`${line}\n`, 'self.txt')).toThrow(message);
});

test('a place names the line', () => {
  expect(() => read('pandas\n\n-e .\n')).toThrow(expect.objectContaining({ place: 'requirements.txt:3' }));
});

test.each([
  ['pandas, scikit-learn==1.5.2', ['pandas', 'scikit-learn==1.5.2']],
  ['numpy>=1.24,<2', ['numpy>=1.24,<2']],
  ['uvicorn[standard,dev]>=0.20, <1,polars', ['uvicorn[standard,dev]>=0.20, <1', 'polars']],
])('the list %s is %j', (text, expected) => {
  expect(readRequirements(text, folder)).toEqual(expected);
});

test('a file that is not there, and one of another kind, are refused', () => {
  expect(() => readRequirements('requirments.txt', folder)).toThrow('there is no file requirments.txt');
  expect(() => read('name: env', 'conda.yaml')).toThrow('conda.yaml is no requirements.txt');
});

test.each([
  ['3.11', '3.11'],
  ['3.11.7', '3.11'],
  ['python3.12', '3.12'],
])('--python %s means %s', (text, expected) => {
  expect(readPythonVersion(text)).toBe(expected);
});

test.each(['3', '2.7', 'latest', '3.x'])('--python %s is refused', (text) => {
  expect(() => readPythonVersion(text)).toThrow('is no version of Python');
});
