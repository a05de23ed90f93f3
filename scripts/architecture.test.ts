import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packages, rooms, roots, type PackageRule, type RoomRule } from '../architecture.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES: Readonly<Record<string, PackageRule>> = packages;
const ROOMS: Readonly<Record<string, RoomRule>> = rooms;

/** An import that is tried: which statement in which file, and what the linter must say of it (`allowed`: nothing). */
interface Probe {
  readonly file: string;
  readonly statement: string;
  readonly finding: string;
}

const probes: Probe[] = [];

/** Declares that `statement`, in a file of `folder`, gets a finding that contains `finding`, or is `allowed`. */
function probe(folder: string, statement: string, finding: string, ending = '.ts'): void {
  probes.push({ file: `${folder}/probe-${probes.length}${ending}`, statement, finding });
}

const allowed = 'allowed';
const packageName = (folder: string): string => `@muster-ml/${folder === 'cli' ? 'muster' : folder}`;
const server = (path: string): string => `packages/server/src/${path}`;
const folderOf = (room: string): string => (ROOMS[room]?.subRooms === true ? `${room}/some-part` : room);
const doorOf = (room: string): string =>
  ROOMS[room]?.subRooms === true ? `${room}/another-part/index.ts` : `${room}/index.ts`;
const up = (room: string): string => '../'.repeat(folderOf(room).split('/').length);

for (const [from, rule] of Object.entries(PACKAGES)) {
  for (const to of Object.keys(PACKAGES)) {
    if (to === from) continue;
    const finding = rule.uses.includes(to) ? allowed : `${from} may not use ${to};`;
    probe(`packages/${from}/src`, `import '${packageName(to)}';`, finding);
    probe(`packages/${from}/src`, `import '../../${to}/src/index.ts';`, 'use a package by its name');
  }
  probe(`packages/${from}/src`, `import 'node:fs';`, rule.node ? allowed : 'it may not use "node:fs"');
  probe(`packages/${from}/src`, `import 'fs/promises';`, rule.node ? allowed : 'it may not use "fs/promises"');
  probe(`packages/${from}/src`, `import '../test-support/twin.ts';`, 'for tests only');
  probe(`packages/${from}/src`, `import '../../../scripts/tool.ts';`, 'use a package by its name');
}
probe('packages/protocol/src', `import 'zod';`, allowed);
probe('packages/protocol/src', `import 'zod/mini';`, allowed);
probe('packages/protocol/src', `import 'pino';`, 'protocol may not use "pino"');

for (const [from, rule] of Object.entries(ROOMS)) {
  const folder = server(folderOf(from));
  for (const to of Object.keys(ROOMS)) {
    if (to === from) continue;
    const mayUse = rule.uses.includes(to);
    const refusal = `room ${from} may not use ${to};`;
    probe(folder, `import '${up(from)}${doorOf(to)}';`, mayUse ? allowed : refusal);
    probe(folder, `import '${up(from)}${dirname(doorOf(to))}/store.ts';`, mayUse ? 'through its door' : refusal);
  }
  for (const root of Object.keys(roots)) probe(folder, `import '${up(from)}${root}.ts';`, 'a composition root');
  probe(folder, `import './neighbour.ts';`, allowed);
  probe(folder, `import '@muster-ml/protocol';`, allowed);
}
for (const room of Object.keys(ROOMS)) {
  probes.push({ file: server('control.ts'), statement: `import './${doorOf(room)}';`, finding: allowed });
  probes.push({ file: server('gateway.ts'), statement: `import './${doorOf(room)}';`, finding: allowed });
}
probes.push({ file: server('main.ts'), statement: `import './control.ts';`, finding: allowed });
probes.push({ file: server('supervisor.ts'), statement: `import './ledger/store.ts';`, finding: 'through its door' });
probe(server('platform/some-part'), `import '../another-part/index.ts';`, allowed);
probe(server('platform/some-part'), `import '../another-part/store.ts';`, 'through its door');
probe(server('ledger'), `import '../platform/index.ts';`, 'through its door');
probe(server('nowhere'), `import '../ledger/index.ts';`, 'missing in architecture.ts');

// Every way to name a module counts.
for (const statement of [
  `import { a } from '../identity/index.ts';`,
  `import type { A } from '../identity/index.ts';`,
  `export { a } from '../identity/index.ts';`,
  `export * from '../identity/index.ts';`,
  `await import('../identity/index.ts');`,
  `export type A = import('../identity/index.ts').A;`,
]) {
  probe(server('ledger'), statement, 'room ledger may not use identity;');
}

// Tests look into every room of their package, and never by path into another package.
probe(server('ledger'), `import '../identity/store.ts';`, allowed, '.test.ts');
probe(server('ledger'), `import '../../test-support/twin.ts';`, allowed, '.test.ts');
probe(server('ledger'), `import '../../../client/src/index.ts';`, 'use a package by its name', '.test.ts');
probe('packages/protocol/src', `import 'node:fs';`, allowed, '.test.ts');

describe('the linter keeps the directions of architecture.ts', () => {
  let findings: ReadonlyMap<string, string>;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-architecture-'));
    findings = await lint(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(probes)('$file: $statement → $finding', ({ file, statement, finding }) => {
    expect(findings.get(place(file, statement)) ?? allowed).toContain(finding);
  });
});

describe('architecture.ts', () => {
  it('lists every package and every room that there is', async () => {
    expect(Object.keys(PACKAGES)).toEqual(expect.arrayContaining(await foldersIn('packages', 'src')));
    expect(Object.keys(ROOMS)).toEqual(expect.arrayContaining(await foldersIn('packages/server/src')));
  });

  it.each([
    ['packages', PACKAGES],
    ['rooms', ROOMS],
  ])('lists %s from the ground up, so that no circle can be written', (_what, table) => {
    const names = Object.keys(table);
    for (const [index, name] of names.entries()) {
      for (const used of table[name]?.uses ?? []) expect(names.slice(0, index), `${name} uses ${used}`).toContain(used);
    }
  });

  it('keeps models out of the server, the server out of the command line, and the database out of the data plane', () => {
    expect(packages.server.uses).not.toContain('runtime-onnx');
    expect(packages.cli.uses).not.toContain('server');
    expect(rooms.serving.uses).not.toContain('ledger');
    expect(rooms.serving.uses).not.toContain('registry');
  });
});

/** Writes the probes below `folder` and lints them in one run, by the rules of the repository; gives the finding of each line. */
async function lint(folder: string): Promise<ReadonlyMap<string, string>> {
  const statements = new Map<string, string[]>();
  for (const { file, statement } of probes) statements.set(file, [...(statements.get(file) ?? []), statement]);

  const config = pathToFileURL(join(TOP, 'oxlint.config.ts')).href;
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  // Without types: the probes import modules that do not exist.
  await writeFile(
    join(folder, 'oxlint.config.ts'),
    `import config from '${config}';\nexport default { ...config, options: { ...config.options, typeAware: false } };\n`,
  );
  for (const [file, lines] of statements) {
    await mkdir(join(folder, dirname(file)), { recursive: true });
    await writeFile(join(folder, file), `${lines.join('\n')}\n`);
  }

  const { diagnostics } = JSON.parse(await runOxlint(folder)) as { diagnostics: Diagnostic[] };
  const findings = new Map<string, string>();
  for (const { code, filename, message, labels } of diagnostics) {
    if (code !== 'muster(architecture)') continue;
    const statement = statements.get(filename)?.[(labels[0]?.span.line ?? 0) - 1];
    if (statement !== undefined) findings.set(place(filename, statement), message);
  }
  return findings;
}

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly message: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

function runOxlint(folder: string): Promise<string> {
  const program = join(TOP, 'node_modules/oxlint/bin/oxlint');
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [program, '-f', 'json'],
      { cwd: folder, maxBuffer: 2 ** 25 },
      (_error, stdout, stderr) => {
        // It exits with 1 because of the findings; without a report it could not run.
        if (stdout.startsWith('{')) resolve(stdout);
        else reject(new Error(`oxlint did not run:\n${stdout}\n${stderr}`));
      },
    );
  });
}

function place(file: string, statement: string): string {
  return `${file}: ${statement}`;
}

/** The names of the folders in `folder`, of those that contain `having`. */
async function foldersIn(folder: string, having?: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(TOP, folder), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const inside = having === undefined ? [] : await readdir(join(TOP, folder, entry.name));
    if (having === undefined || (inside.includes(having) && inside.includes('package.json'))) names.push(entry.name);
  }
  return names;
}
