import { describe, expect, test } from 'vitest';
import { allowedHosts, readableForBuilds, sourceArguments, sourceVariables } from './package-sources.ts';

const sources = { indexes: [], wheelFolders: [], downloadHosts: [], offline: false, allowSourceBuilds: false };

describe('the hosts that a build may reach', () => {
  test('are those of pypi.org', () => {
    expect(allowedHosts(sources)).toEqual(['pypi.org:443', 'files.pythonhosted.org:443']);
  });

  test('are those of the configured indexes and of their files, and no others', () => {
    const indexes = ['own=https://ada:x@Mirror.example:8443/simple', 'http://plain.example/simple', 'nonsense'];
    const downloadHosts = ['files.example', 'other.example:8080'];
    expect(allowedHosts({ ...sources, indexes, downloadHosts })).toEqual([
      'mirror.example:8443',
      'plain.example:80',
      'files.example:443',
      'other.example:8080',
    ]);
  });

  test('are none without an index', () => {
    expect(allowedHosts({ ...sources, offline: true, downloadHosts: ['files.example'] })).toEqual([]);
  });
});

test('uv is told by variables what others must not read, and by arguments the rest', () => {
  const own = { ...sources, indexes: ['https://a', 'https://b', 'own=https://c'], wheelFolders: ['/w 1', '/w2'] };
  expect(sourceVariables(own, '/cache')).toEqual({
    UV_CACHE_DIR: '/cache',
    UV_PYTHON_DOWNLOADS: 'never',
    UV_DEFAULT_INDEX: 'https://a',
    UV_INDEX: 'https://b own=https://c',
  });
  expect(sourceArguments(own)).toEqual(['--find-links', '/w 1', '--find-links', '/w2', '--only-binary', ':all:']);
  expect(sourceArguments({ ...sources, offline: true, allowSourceBuilds: true })).toEqual(['--offline']);
});

test('a build reads wheels, the interpreter, certificates and credentials', () => {
  const interpreter = { executable: '', version: '', minor: '', platform: '', readable: ['/opt/python'] };
  const own = { ...sources, wheelFolders: ['/wheels'] };
  expect(readableForBuilds(own, interpreter, { HOME: '/home/ada', SSL_CERT_FILE: '/etc/own.pem' })).toEqual([
    '/wheels',
    '/opt/python',
    '/home/ada/.netrc',
    '/etc/own.pem',
  ]);
  expect(readableForBuilds(sources, interpreter, { HOME: '/home/ada', NETRC: '/etc/netrc' })).toContain('/etc/netrc');
});
