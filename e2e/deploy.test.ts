import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { root } from './support/muster.ts';

const run = promisify(execFile);
const deploy = join(root, 'deploy');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

/** The files of a package as it is published. */
async function packed(name: string): Promise<readonly string[]> {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--workspace', name], { cwd: root });
  const [found] = JSON.parse(stdout) as readonly { readonly files: readonly { readonly path: string }[] }[];
  return (found?.files ?? []).map(({ path }) => path);
}

describe('the systemd unit', () => {
  it.runIf(hasSystemd)('is one that systemd-analyze finds nothing wrong with', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-unit-'));
    try {
      const unit = await readFile(join(deploy, 'systemd/muster.service'), 'utf8');
      // The program is not installed here; that it is published is checked below.
      await writeFile(join(folder, 'muster.service'), unit.replaceAll('/opt/muster/bin/muster', process.execPath));
      const { stdout, stderr } = await run('systemd-analyze', ['verify', join(folder, 'muster.service')]);
      expect(`${stdout}${stderr}`.split('\n').filter((line) => line.includes('muster.service'))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('leaves open what the cages of runners need', async () => {
    const unit = await readFile(join(deploy, 'systemd/muster.service'), 'utf8');
    const directives = unit.split('\n').filter((line) => /^[A-Z]/.test(line));
    const inTheWay =
      /^(RestrictNamespaces|ProtectKernelTunables|ProtectKernelLogs|ProtectProc|ProcSubset|MemoryDenyWriteExecute)=/;
    expect(directives.filter((line) => inTheWay.test(line))).toEqual([]);
    expect(directives).toContain('NoNewPrivileges=yes');
    expect(directives).toContain('SystemCallFilter=@system-service @mount');
  });
});

describe('the container file', () => {
  it('starts what the packages hold', async () => {
    const text = await readFile(join(deploy, 'Containerfile'), 'utf8');
    const paths = [...text.matchAll(/\/opt\/muster\/node_modules\/(@muster-ml\/[a-z-]+)\/(\S+?\.js)/g)];
    expect(paths.length).toBeGreaterThanOrEqual(2);
    for (const name of new Set(paths.map(([, found = '']) => found))) {
      const wanted = paths.filter(([, found]) => found === name).map(([, , path = '']) => path);
      expect(await packed(name)).toEqual(expect.arrayContaining(wanted));
    }
  });

  it('runs no install script, as nobody privileged, and copies what is there', async () => {
    const text = await readFile(join(deploy, 'Containerfile'), 'utf8');
    for (const line of text.split('\n').filter((each) => /npm (ci|install)/.test(each)))
      expect(line).toContain('--ignore-scripts');
    expect(text.match(/^USER .+$/gm)?.at(-1)).toBe('USER muster');
    const scripts = [...text.matchAll(/sh (scripts\/\S+)/g)].map(([, script = '']) => script);
    expect(scripts).toEqual(['scripts/pack.sh']);
    for (const script of scripts) expect(await readFile(join(root, script), 'utf8')).toContain('npm pack');
  });
});
