import { MusterError } from '@muster-ml/protocol';
import { withoutCredentials } from './requirement.ts';

/** What is known where uv failed, for a sentence that helps. */
export interface FailureContext {
  /** The Python that packages were chosen for, and the others that are here. */
  readonly python: string;
  readonly otherPythons: readonly string[];
  /** Names of the packages that were asked for. */
  readonly packages: readonly string[];
  readonly offline: boolean;
  readonly allowSourceBuilds: boolean;
}

/** More is not read: the reason comes first, and what a package index says may be made to be hard to read. */
const readChars = 8_000;
const shownChars = 1_500;

/** Turns what uv wrote to standard error into an error that names the package and the way out. */
export function errorOfUv(text: string, context: FailureContext): MusterError {
  const said = plainText(text);
  return (
    diskFull(said) ??
    notLetIn(said) ??
    unresolvable(said, context) ??
    unreachable(said, context) ??
    unbuilt(said) ??
    unknown(said)
  );
}

const escape = String.fromCodePoint(27);
const colours = new RegExp(String.raw`${escape}\[[0-9;]*[A-Za-z]`, 'g');

/** uv draws trees and wraps lines; this gives its sentences back, without colours, credentials and its own name for things. */
export function plainText(text: string): string {
  return withoutCredentials(text)
    .replaceAll(colours, '')
    .split('\n')
    .map((line) => line.replace(/^[\s│├╰─▶×]*/, '').replace(/^(error|cause|warning|Caused by):\s*/, ''))
    .filter((line) => line !== '' && !/^(Using|Creating|Resolved|Prepared|Downloading|Downloaded|Activate) /.test(line))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .slice(0, readChars);
}

function diskFull(said: string): MusterError | null {
  if (!/no space left on device|os error 28\b|disk quota exceeded|os error 122\b/i.test(said)) return null;
  return new MusterError('disk_full', 'there is no space left for the environment', { place: 'environments' });
}

function notLetIn(said: string): MusterError | null {
  const host = hostIn(said);
  if (/\b(401 Unauthorized|403 Forbidden|407 Proxy)|lack of valid authentication/i.test(said))
    return new MusterError('environment_failed', `${host} refused the request for packages: ${cut(said)}`, {
      remedy:
        'Put the credentials into a .netrc file of the user that runs Muster, or write the index as name=https://… in python.indexes and set UV_INDEX_NAME_USERNAME and UV_INDEX_NAME_PASSWORD.',
    });
  if (/invalid peer certificate|certificate verify|self.signed certificate/i.test(said))
    return new MusterError('environment_failed', `the certificate of ${host} is not trusted: ${cut(said)}`, {
      remedy: 'Set SSL_CERT_FILE to the file with the certificates of your organisation and start Muster again.',
    });
  return null;
}

function unreachable(said: string, { offline }: FailureContext): MusterError | null {
  if (!/error sending request|failed to fetch|connect error|connection (refused|reset)|timed out/i.test(said))
    return null;
  return new MusterError('environment_failed', `${hostIn(said)} did not give the packages: ${cut(said)}`, {
    remedy: offline
      ? 'Put the wheels into a folder of python.wheelFolders.'
      : 'Check the network and the proxy variables, name a mirror in python.indexes, or put the wheels into a folder of python.wheelFolders and set python.offline.',
  });
}

function unresolvable(said: string, context: FailureContext): MusterError | null {
  if (!/no solution found|unsatisfiable/i.test(said)) return null;
  const { python, offline } = context;
  const because = reason(said);
  const failed = (what: string, remedy: string, packages: readonly string[]): MusterError =>
    new MusterError('environment_unresolvable', `${what}: ${because}`, { remedy, details: { packages } });

  const noWheel = packagesIn(because, /(?<![\w.-])([\w.-]+?)(?:==\S+)? has no (?:usable )?wheels?\b/g);
  if (noWheel.length > 0) {
    const build = context.allowSourceBuilds ? '' : '; python.allowSourceBuilds allows to build it from source';
    return failed(
      `there is no wheel of ${noWheel.join(', ')} for Python ${python} on this machine`,
      `Choose another version of ${noWheel[0]} or ${otherPython(context)}${build}.`,
      noWheel,
    );
  }

  const missing = packagesIn(because, /(?<![\w.-])([\w.-]+?)(?:==\S+)? was not found in /g);
  if (missing.length > 0)
    return failed(
      `${missing.join(', ')} ${offline ? 'is in no wheel folder and not in the cache' : 'is in no package index'}`,
      offline
        ? `Put a wheel of ${missing[0]} into a folder of python.wheelFolders.`
        : `Check the spelling of ${missing[0]}; a package of your own comes from python.indexes or python.wheelFolders.`,
      missing,
    );

  const [, needing, wanted] =
    /(?<![\w.-])([\w.-]+?)(?:[=<>!~]\S+)? (?:requires|depends? on) Python ?([^\s,;]+)/.exec(because) ?? [];
  if (needing !== undefined && wanted !== undefined)
    return failed(
      `${needing} needs Python ${wanted}, and this is ${python}`,
      `Choose another version of ${needing} or ${otherPython(context)}.`,
      [needing],
    );

  const noVersion = packagesIn(
    because,
    /there (?:is|are) no versions? of ([\w.-]+)/g,
    /only ([\w.-]+?)[=<>!~]\S+ (?:is|are) available/g,
  );
  if (noVersion.length > 0 && !/depends? on/.test(because))
    return failed(
      `there is no such version of ${noVersion.join(', ')}`,
      `Require a version of ${noVersion[0]} that exists.`,
      noVersion,
    );

  const inConflict = context.packages.filter((name) => new RegExp(`(^|[\\s\`])${name}(?![\\w-])`, 'i').test(because));
  return failed(
    'the requirements contradict each other',
    `Change ${inConflict.length > 1 ? `one of ${inConflict.slice(0, 4).join(', ')}` : 'one of them'}, or leave versions open that the model does not need exactly.`,
    inConflict,
  );
}

function unbuilt(said: string): MusterError | null {
  const [, name] = /Failed to build `?([^\s`]+)`?/i.exec(said) ?? [];
  if (name === undefined) return null;
  return new MusterError('environment_failed', `${name} could not be built from source: ${cut(said)}`, {
    remedy: `Choose a version of ${name.split('==')[0]} that has a wheel, or put a wheel of it into a folder of python.wheelFolders.`,
  });
}

function unknown(said: string): MusterError {
  return new MusterError(
    'environment_failed',
    `uv could not make the environment: ${cut(said === '' ? 'it said nothing' : said)}`,
  );
}

/** The sentence that gives the reason, without headings and hints. */
function reason(said: string): string {
  const from = said.indexOf('Because ');
  const sentence = (from < 0 ? said : said.slice(from)).replace(/\s*hint:.*$/s, '');
  return cut(
    sentence.replace(/,? we can conclude that your requirements are unsatisfiable\.?/g, '').replace(/[.,]?$/, ''),
  );
}

function cut(text: string): string {
  return text.length > shownChars ? `${text.slice(0, shownChars)}…` : text;
}

function hostIn(said: string): string {
  const url = /https?:\/\/[^\s`)]+/.exec(said)?.[0];
  return url !== undefined && URL.canParse(url) ? new URL(url).host : 'the package index';
}

function packagesIn(said: string, ...patterns: readonly RegExp[]): readonly string[] {
  const names = patterns.flatMap((pattern) => [...said.matchAll(pattern)].map(([, name = '']) => name));
  return [...new Set(names)].filter((name) => name !== '');
}

function otherPython({ otherPythons }: FailureContext): string {
  return otherPythons.length === 0 ? 'another version of Python' : `another Python (here: ${otherPythons.join(', ')})`;
}
