import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('../bin/muster.js', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** Says how it was started, then does as its first word says. */
const program = `
if (process.argv[2] === 'wait') {
  process.on('SIGTERM', () => process.exit(42));
  setInterval(() => {}, 1000);
}
console.log(JSON.stringify({ major: Number(process.versions.node.split('.')[0]), words: process.argv.slice(2), pid: process.pid }));
if (process.argv[2] === 'exit') process.exit(Number(process.argv[3]));
`;

interface Run {
  readonly child: ChildProcess;
  readonly said: Promise<{ readonly major: number; readonly words: readonly string[]; readonly pid: number }>;
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly text: () => string;
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'muster-launcher-'));
  mkdirSync(join(folder, 'bin'));
  copyFileSync(launcher, join(folder, 'bin/muster.js'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', version: '1.2.3' }));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `published` has `dist` only, as below node_modules; `source` has `src`. */
function install(kind: 'published' | 'source'): void {
  const place = kind === 'source' ? 'src/main.ts' : 'dist/main.js';
  mkdirSync(join(folder, place, '..'));
  writeFileSync(join(folder, place), program);
}

function run(words: readonly string[], major?: number): Run {
  // An older Node is played: the launcher looks at the version that the process reports.
  const pretend = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '${major}.0.0' })`;
  const flags = major === undefined ? [] : [`--import=${pretend}`];
  const child = spawn(process.execPath, [...flags, join(folder, 'bin/muster.js'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const firstLine = Promise.withResolvers<string>();
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    if (text.includes('\n')) firstLine.resolve(text);
  });
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  const said = firstLine.promise.then((line) => JSON.parse(line) as Awaited<Run['said']>);
  said.catch(() => {}); // what is no JSON fails the test that waits for it
  return { child, ended, text: () => text, said };
}

test('--version needs neither Muster nor a newer Node', async () => {
  const { ended, text } = run(['--version'], 12);
  expect(await ended).toBe(0);
  expect(text()).toBe('1.2.3\n');
});

test.each(['published', 'source'] as const)('on Node 24 a %s Muster runs in the same process', async (kind) => {
  install(kind);
  const { child, said, ended } = run(['exit', '5']);
  expect(await said).toMatchObject({ words: ['exit', '5'], pid: child.pid });
  expect(await ended).toBe(5);
});

test.each(['published', 'source'] as const)(
  'on an older Node a %s Muster runs with the Node that came along',
  async (kind) => {
    install(kind);
    symlinkSync(modules, join(folder, 'node_modules'));
    const { child, said, ended } = run(['exit', '7'], 18);
    const { major, pid } = await said;
    expect(major).toBe(24);
    expect(pid).not.toBe(child.pid);
    expect(await ended).toBe(7);
  },
);

test('without any it says what is needed', async () => {
  install('published');
  const { ended, text } = run(['up'], 18);
  expect(await ended).toBe(1);
  expect(text()).toMatch(/^Muster needs Node 24; this is v[\d.]+, and no package of Node is installed for /);
});

test('a signal reaches Muster, which decides how it ends; when the launcher is killed, Muster ends too', async () => {
  install('published');
  symlinkSync(modules, join(folder, 'node_modules'));
  const asked = run(['wait'], 18);
  await asked.said;
  asked.child.kill('SIGTERM');
  expect(await asked.ended).toBe(42);

  const killed = run(['wait'], 18);
  await killed.said;
  killed.child.kill('SIGKILL');
  // Its output closes when the last process that holds it, Muster, has ended.
  expect(await killed.ended).toBe('SIGKILL');
});
