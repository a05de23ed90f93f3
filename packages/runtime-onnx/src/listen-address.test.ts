import { expect, test } from 'vitest';
import { parseListenAddress } from './listen-address.ts';

test.each([
  ['unix:/run/m/r1', { path: '/run/m/r1' }],
  ['tcp:127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
  ['tcp:runner-1.models:8090', { host: 'runner-1.models', port: 8090 }],
  ['tcp:[::1]:8090', { host: '::1', port: 8090 }],
])('%s is an address', (text, address) => {
  expect(parseListenAddress(text)).toEqual(address);
});

test.each([
  '',
  'unix:relative',
  `unix:/${'x'.repeat(120)}`,
  'tcp:host',
  'tcp:host:70000',
  'tcp:::1:80',
  'http://host:80',
])('%j is refused', (text) => {
  expect(() => parseListenAddress(text)).toThrow(expect.objectContaining({ code: 'invalid_configuration' }));
});
