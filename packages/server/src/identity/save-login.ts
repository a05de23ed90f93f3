import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the CLI reads: the server it talks to by default, and a token for each server it knows. */
interface LoginFile {
  server?: string;
  tokens?: Record<string, string>;
}

/**
 * Saves a token for `server` in the user's configuration folder, so that the CLI on this machine is signed in. Mode 0600;
 * logins to other servers stay; the file is replaced as a whole. The server becomes the CLI's default.
 */
export async function saveLogin(configDir: string, server: string, token: string): Promise<void> {
  await mkdir(configDir, { recursive: true, mode: 0o700 });
  const file = join(configDir, 'config.json');
  const known = await readLogins(file);
  const next: LoginFile = { ...known, server, tokens: { ...known.tokens, [server]: token } };
  await replaceFile(file, next);
}

/** The token that is saved for `server`. */
export async function savedLogin(configDir: string, server: string): Promise<string | undefined> {
  const known = await readLogins(join(configDir, 'config.json'));
  return known.tokens?.[server];
}

async function replaceFile(file: string, logins: LoginFile): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  try {
    await writeFile(temporary, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 });
    // An existing umask may only take rights away; this also covers a file system that ignores the mode at creation.
    await chmod(temporary, 0o600);
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readLogins(file: string): Promise<LoginFile> {
  try {
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // Not there, or not JSON: a login that cannot be read is none. A broken file is replaced by a good one.
    return {};
  }
}
