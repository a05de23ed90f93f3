import { expect, test } from 'vitest';
import { progressOf } from './uv-progress.ts';

const versions = new Map([['scikit-learn', '1.9.1']]);

test.each([
  ['Downloading scikit_learn (8.7MiB)', 'downloading scikit_learn 1.9.1 (8.7 MiB)'],
  ['Downloading uncounted (1.0GiB)', 'downloading uncounted (1.0 GiB)'],
  ['Prepared 10 packages in 204ms', '10 packages ready to install'],
  ['Installed 1 package in 17ms', 'installed 1 package'],
  ['   Building docopt==0.6.2', 'building docopt==0.6.2'],
  ['      Built docopt==0.6.2', 'built docopt==0.6.2'],
  [' Downloaded numpy', null],
  [' + numpy==1.26.4', null],
  ['Resolved 2 packages in 84ms', null],
  ['warning: something', null],
])('what uv says of its progress, for people: %s', (line, text) => {
  expect(progressOf(line, versions)).toBe(text);
});
