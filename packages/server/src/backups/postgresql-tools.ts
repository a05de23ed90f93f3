import { MusterError } from '@muster-ml/protocol';
import { runProgram } from '../platform/processes/index.ts';

/** How the client programs of PostgreSQL reach a database: the address without the password, which flags would show to all. */
export interface LibpqTarget {
  readonly address: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Longest run: a dump of a terabyte takes hours. */
const longestMs = 48 * 3_600_000;
const maxOutputBytes = 1024 * 1024;

/** What libpq takes of the parameters that an address for `pg` may have. */
const known = new Set([
  'host',
  'port',
  'user',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'options',
  'connect_timeout',
  'target_session_attrs',
  'gssencmode',
  'channel_binding',
]);

/** Splits an address as `pg` takes it into what libpq takes. */
export function libpqTarget(url: string): LibpqTarget {
  // The URL class wants a host; pg and libpq do without one where a socket's folder is a parameter.
  const hasHost = !/^postgres(ql)?:\/\/([^/@]*@)?\//.test(url);
  const parsed = new URL(hasHost ? url : url.replace(/^(postgres(?:ql)?:\/\/(?:[^/@]*@)?)\//, '$1local/'));
  const password = parsed.searchParams.get('password') ?? decodeURIComponent(parsed.password);
  parsed.password = '';
  const strangers = [...parsed.searchParams.keys()].filter((name) => !known.has(name));
  for (const name of strangers) parsed.searchParams.delete(name);
  if (parsed.searchParams.get('sslmode') === 'no-verify') parsed.searchParams.set('sslmode', 'require');
  // libpq decodes %20 but takes + as it is.
  const query = parsed.search.replaceAll('+', '%20');
  const user = parsed.username === '' ? '' : `${parsed.username}@`;
  return {
    address: `postgresql://${user}${hasHost ? parsed.host : ''}${parsed.pathname}${query}`,
    environment: password === '' ? {} : { PGPASSWORD: password },
  };
}

/**
 * Runs pg_dump or pg_restore to its end. Throws `backup_tool_missing` where PATH does not find it, else `code` with what the
 * program wrote.
 */
export async function runPostgresqlTool(options: {
  readonly tool: 'pg_dump' | 'pg_restore';
  readonly arguments: readonly string[];
  readonly target: LibpqTarget;
  /** PATH and the like. */
  readonly environment: Readonly<Record<string, string>>;
  readonly code: 'backup_failed' | 'restore_failed';
  readonly signal: AbortSignal;
}): Promise<void> {
  const { tool, target, code } = options;
  const end = await runProgram({
    command: tool,
    arguments: [...options.arguments, `--dbname=${target.address}`, '--no-password'],
    environment: { ...options.environment, ...target.environment },
    timeoutMs: longestMs,
    maxOutputBytes,
    signal: options.signal,
  });
  if (end.outcome === 'done') return;
  options.signal.throwIfAborted();
  if (end.outcome === 'failed' && end.detail.includes('ENOENT'))
    throw new MusterError('backup_tool_missing', `${tool} is not on the PATH`, { place: tool });
  const said = end.errorTail.trim();
  throw new MusterError(code, `${tool} ended with ${end.detail}${said === '' ? '' : `: ${said}`}`, { place: tool });
}
