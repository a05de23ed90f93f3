import { MusterError } from '@muster-ml/protocol';

/** One requirement as PEP 508 writes it, by name: never an option, a file, a folder or an address. */
export interface Requirement {
  /** As package indexes compare it (PEP 503): lower case, single hyphens. */
  readonly name: string;
  /** The line, in one spelling. */
  readonly text: string;
}

const name = String.raw`[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`;
const extras = String.raw`\[\s*(?:${name}(?:\s*,\s*${name})*)?\s*\]`;
const clause = String.raw`(?:===|~=|==|!=|<=|>=|<|>)\s*[A-Za-z0-9.*+!_-]+`;
const clauses = String.raw`${clause}(?:\s*,\s*${clause})*\s*,?`;
/** What markers are made of. Without `$`, `{`, `\` and `#`, which files of requirements give a meaning of their own. */
const marker = String.raw`[A-Za-z0-9_.'"<>=!~()\s,+*-]+`;
const grammar = new RegExp(
  String.raw`^(${name})\s*(${extras})?\s*(?:\(\s*(${clauses})\s*\)|(${clauses}))?\s*(?:;\s*(${marker}))?$`,
);
/** A pin: all that the requirements of a spec may be. */
const pin = new RegExp(String.raw`^(${name})==([A-Za-z0-9.+!_-]+)$`);

const fileName = /\.(whl|zip|tar|tgz|tar\.(gz|bz2|xz|zst)|txt|in|toml|py)$/i;

const maxChars = 1000;

/** Reads lines of requirements; blank ones and comments are left out. Throws `environment_unresolvable` that names the line. */
export function readRequirements(lines: readonly string[]): readonly Requirement[] {
  return lines.flatMap((line, index) => {
    const text = line.replace(/(^|\s)#.*$/s, '').trim();
    return text === '' ? [] : [readRequirement(text, `requirements[${index}]`)];
  });
}

function readRequirement(text: string, place: string): Requirement {
  // Such a name would be allowed, and is a file for every tool that reads it.
  const isFile = fileName.test(text);
  const found = isFile || text.length > maxChars ? null : grammar.exec(text);
  const [, named, extra = '', inParentheses, bare, condition] = found ?? [];
  if (named === undefined) throw refusal(text, place);
  const specifier = (inParentheses ?? bare ?? '').replaceAll(/\s/g, '').replace(/,$/, '');
  const where = condition === undefined ? '' : ` ; ${condition.trim()}`;
  return { name: normalName(named), text: `${named}${extra.replaceAll(/\s/g, '')}${specifier}${where}` };
}

/** Says what a line is that is no requirement by name, and the way out. */
function refusal(text: string, place: string): MusterError {
  const refuse = (what: string, remedy: string): MusterError =>
    new MusterError('environment_unresolvable', `${place} is ${what}: ${shown(text)}`, { place, remedy });
  if (text.startsWith('-'))
    return refuse(
      'an option, not a requirement',
      'Leave it out: python.indexes and python.wheelFolders say where packages come from.',
    );
  if (/^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*@|:\/\/|^(git|hg|svn|bzr)\+|^file:/i.test(text))
    return refuse(
      'an address, and packages come from indexes only',
      'Require the package by name and version; one that no index has can be put as a wheel into a folder of python.wheelFolders.',
    );
  if (/^[./~]|\/|\\/.test(text) || fileName.test(text))
    return refuse(
      'a file, which is not here',
      'Require the package by name and version; one that no index has can be put as a wheel into a folder of python.wheelFolders.',
    );
  if (/\s--/.test(text))
    return refuse('a requirement with an option behind it', 'Leave the option out: scikit-learn==1.5.2 is enough.');
  return refuse('not a requirement', 'Write it as scikit-learn==1.5.2 or pandas>=2,<3.');
}

/** The exact versions of a spec, by the names of their packages. Throws `environment_unresolvable` where one is open. */
export function readPins(requirements: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    requirements.map((line, index) => {
      const [, named, version] = pin.exec(line) ?? [];
      if (named === undefined || version === undefined)
        throw new MusterError(
          'environment_unresolvable',
          `requirements[${index}] is no exact version: ${shown(line)}`,
          {
            place: `requirements[${index}]`,
            remedy: 'Write it as scikit-learn==1.5.2.',
          },
        );
      return [normalName(named), version];
    }),
  );
}

/** How indexes compare names: `Scikit_Learn` is `scikit-learn`. */
export function normalName(text: string): string {
  return text.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

const shownChars = 120;

function shown(text: string): string {
  const clean = withoutCredentials(text);
  return JSON.stringify(clean.length > shownChars ? `${clean.slice(0, shownChars)}…` : clean);
}

/** Takes users and passwords out of addresses. */
export function withoutCredentials(text: string): string {
  return text.replaceAll(/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^/\s'"`]{0,1000}@/gi, '$1');
}
