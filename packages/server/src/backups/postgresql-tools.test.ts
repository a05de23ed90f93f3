import { describe, expect, test } from 'vitest';
import { libpqTarget, runPostgresqlTool } from './postgresql-tools.ts';

describe('the address for client programs of PostgreSQL', () => {
  test.each([
    ['postgres://u:p%40ss@db.example:5433/muster', 'postgresql://u@db.example:5433/muster', 'p@ss'],
    ['postgresql://u@/muster?host=%2Frun%2Fpg', 'postgresql://u@/muster?host=%2Frun%2Fpg', undefined],
    ['postgres:///muster?host=%2Fa%20b', 'postgresql:///muster?host=%2Fa%20b', undefined],
    ['postgres://u@h/m?password=secret&sslmode=verify-full', 'postgresql://u@h/m?sslmode=verify-full', 'secret'],
    ['postgres://u@h/m?sslmode=no-verify&uselibpqcompat=true', 'postgresql://u@h/m?sslmode=require', undefined],
    ['postgres://u@[::1]:5432/m', 'postgresql://u@[::1]:5432/m', undefined],
  ])('%s is %s, without a password that all could read', (url, address, password) => {
    const target = libpqTarget(url);
    expect(target.address).toBe(address);
    expect(target.environment).toEqual(password === undefined ? {} : { PGPASSWORD: password });
  });
});

test('a client program that is not installed is named, with what to do', async () => {
  const run = runPostgresqlTool({
    tool: 'pg_dump',
    arguments: [],
    target: libpqTarget('postgres://u@h/m'),
    environment: { PATH: '/nowhere' },
    code: 'backup_failed',
    signal: new AbortController().signal,
  });
  await expect(run).rejects.toMatchObject({ code: 'backup_tool_missing', place: 'pg_dump' });
});
