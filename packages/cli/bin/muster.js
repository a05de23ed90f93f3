#!/usr/bin/env node
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- plain JavaScript: nothing here has types */
// The launcher: plain JavaScript that any Node since 12.20 can read. Muster itself needs Node 24; where the machine's is older,
// the launcher starts the one that came along as an optional dependency.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const neededMajor = 24;
const sourceCondition = '--conditions=muster-source';

/** Runs in the child before Muster does: when the launcher is gone, however that happened, so is Muster. */
const endWithUs =
  'data:text/javascript,' +
  encodeURIComponent(
    "process.once('disconnect', () => process.kill(process.pid, 'SIGTERM')); if (process.channel) process.channel.unref();",
  );

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const words = process.argv.slice(2);

if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  console.log(JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version);
} else {
  run();
}

function run() {
  // In a source tree the sources run as they are; Node refuses them below node_modules, where only `dist` is.
  const source = join(home, 'src', 'main.ts');
  const isSource = existsSync(source);
  const main = isSource ? source : join(home, 'dist', 'main.js');
  const nodeFlags = isSource ? [sourceCondition] : [];
  const isNewEnough = Number(process.versions.node.split('.')[0]) >= neededMajor;

  if (isNewEnough && (!isSource || process.execArgv.includes(sourceCondition))) {
    import(pathToFileURL(main).href).catch(fail);
    return;
  }
  const node = isNewEnough ? process.execPath : findNode();
  if (node === undefined) {
    console.error(
      `Muster needs Node ${neededMajor}; this is ${process.version}, and no package of Node is installed for ${process.platform}-${process.arch}.\n  Install Node ${neededMajor}, then run this again.`,
    );
    process.exitCode = 1;
    return;
  }
  // Becomes the new program where Node can do that, so that no second process stands between the terminal and Muster.
  if (isNewEnough && typeof process.execve === 'function') {
    process.removeAllListeners('warning'); // it is experimental in Node 24, which is nothing to the user
    process.execve(node, [node, ...nodeFlags, main, ...words], process.env);
  }
  startChild(node, [...nodeFlags, `--import=${endWithUs}`, main, ...words]);
}

/** The Node that came along, if it did. */
function findNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  try {
    const manifest = createRequire(import.meta.url).resolve(`node-${platform}-${process.arch}/package.json`);
    const node = join(dirname(manifest), 'bin', file);
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

function startChild(node, args) {
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  if (child.channel) child.channel.unref();
  // A terminal sends Ctrl-C to both; Muster takes signals that come together as one.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', fail);
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    for (const each of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(each);
    process.kill(process.pid, signal);
  });
}

function fail(error) {
  console.error(error);
  process.exitCode = 1;
}
