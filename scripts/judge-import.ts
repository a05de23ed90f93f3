import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { packages, rooms, roots, type PackageRule, type RoomRule } from '../architecture.ts';

const PACKAGES: Readonly<Record<string, PackageRule>> = packages;
const ROOMS: Readonly<Record<string, RoomRule>> = rooms;
const ROOTS: Readonly<Record<string, readonly string[]>> = roots;

const SCOPE = '@muster-ml/';
/** The package whose name differs from its folder. */
const FOLDERS: Readonly<Record<string, string>> = { muster: 'cli' };

/** Where a file of a package stands. */
interface Place {
  readonly package: string;
  /** The way from the package's src/, empty for a file outside it. */
  readonly inSource: readonly string[];
  readonly isTest: boolean;
}

/**
 * Says what an import breaks, in words for the person who wrote it; undefined when the table in `architecture.ts` allows it.
 *
 * `file` is the way from the top of the repository to the file that imports, `specifier` what it names.
 */
export function judgeImport(file: string, specifier: string): string | undefined {
  const from = placeOf(file);
  if (from === undefined) return undefined; // scripts, benchmarks and the whole-system tests look anywhere
  if (specifier.startsWith('.')) return judgePath(from, file, specifier);
  if (from.isTest) return undefined;
  if (specifier.startsWith(SCOPE)) return judgePackage(from, specifier);
  return judgeOther(from, specifier);
}

function judgePath(from: Place, file: string, specifier: string): string | undefined {
  const path = posix.join(posix.dirname(file), specifier);
  const to = placeOf(path);
  if (to?.package !== from.package) {
    if (from.isTest && to === undefined) return undefined;
    return `"${specifier}" leads out of packages/${from.package}: use a package by its name, so that what is published works.`;
  }
  if (from.isTest) return undefined;
  if (to.isTest) return `"${specifier}" is for tests only: it is not published.`;
  if (from.package !== 'server' || from.inSource.length === 0) return undefined;
  return judgeRooms(from.inSource, to.inSource);
}

function judgePackage(from: Place, specifier: string): string | undefined {
  const name = specifier.slice(SCOPE.length).split('/')[0] ?? '';
  const to = FOLDERS[name] ?? name;
  const uses = PACKAGES[from.package]?.uses ?? [];
  if (to === from.package) return `${from.package} reaches its own files by their path, not as "${specifier}".`;
  if (uses.includes(to)) return undefined;
  return `${from.package} may not use ${to}; ${mayUse(uses)} (architecture.ts).`;
}

function judgeOther(from: Place, specifier: string): string | undefined {
  const rule = PACKAGES[from.package];
  if (rule === undefined) return `packages/${from.package} is missing in architecture.ts.`;
  if (isBuiltin(specifier)) {
    return rule.node
      ? undefined
      : `${from.package} runs in a browser too: it may not use "${specifier}" (architecture.ts).`;
  }
  if (rule.others === undefined || rule.others.some((name) => specifier === name || specifier.startsWith(`${name}/`))) {
    return undefined;
  }
  return `${from.package} may not use "${specifier}"; ${mayUse(rule.others)} (architecture.ts).`;
}

/** Both ways start at packages/server/src. */
function judgeRooms(from: readonly string[], to: readonly string[]): string | undefined {
  const here = roomOf(from);
  const there = roomOf(to);
  const rule = ROOMS[here];
  const isRoot = from.length === 1;
  if (!isRoot && rule === undefined) return `The room "${here}" is missing in architecture.ts.`;

  if (to.length === 1) {
    const uses = isRoot ? (ROOTS[here] ?? []) : [];
    return uses.includes(there)
      ? undefined
      : `${here} may not use ${there}.ts, a composition root; ${mayUse(uses)} (architecture.ts).`;
  }
  if (here === there) return rule?.subRooms === true && from[1] !== to[1] ? judgeDoor(to) : undefined;
  if (!isRoot && rule?.uses.includes(there) !== true) {
    return `The room ${here} may not use ${there}; ${mayUse(rule?.uses ?? [])} (architecture.ts).`;
  }
  return judgeDoor(to);
}

/** A room is entered through its index.ts, a sub-room through its own. */
function judgeDoor(to: readonly string[]): string | undefined {
  const depth = ROOMS[roomOf(to)]?.subRooms === true ? 2 : 1;
  if (to.length === depth + 1 && to[depth] === 'index.ts') return undefined;
  return `Use ${to.slice(0, depth).join('/')} through its door, ${[...to.slice(0, depth), 'index.ts'].join('/')}.`;
}

/** The room that a file is in; of a composition root, its own name. */
function roomOf(inSource: readonly string[]): string {
  return inSource[0]?.replace(/\.ts$/, '') ?? '';
}

function placeOf(path: string): Place | undefined {
  const [top, name, folder, ...rest] = path.split('/');
  if (top !== 'packages' || name === undefined || folder === undefined) return undefined;
  const isTest = folder === 'test-support' || path.endsWith('.test.ts');
  return { package: name, inSource: folder === 'src' ? rest : [], isTest };
}

function mayUse(names: readonly string[]): string {
  return names.length === 0 ? 'it may use none' : `it may use ${names.join(', ')}`;
}
