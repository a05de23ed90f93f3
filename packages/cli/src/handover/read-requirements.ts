import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pythonVersionSchema, requirementSchema } from '@muster-ml/protocol';
import { UsageError } from '../usage-error.ts';

const maxBytes = 2 ** 20;
const maxDepth = 5;
const flag = '--requirements';

/**
 * Requirements of `--requirements`: the lines of a requirements.txt without comments and hashes, with the files that it
 * names by `-r`; or a list with commas. Throws `UsageError` that names the line for all that belongs elsewhere.
 */
export function readRequirements(given: string, workingDirectory: string): string[] {
  const path = resolve(workingDirectory, given);
  if (existsSync(path)) return readFile(path, given, 0);
  if (/[\\/]/.test(given) || /\.(txt|in|ya?ml|toml|lock)$/.test(given))
    throw new UsageError(
      `there is no file ${given}`,
      'Check the path, or list them: "pandas, scikit-learn==1.5.2".',
      flag,
    );
  // A comma may also stand within one requirement, between bounds or within brackets.
  const listed = given
    .split(/,(?![^[]*\])(?!\s*[<>=!~])/)
    .map((one) => one.trim())
    .filter((one) => one !== '');
  if (listed.length === 0)
    throw new UsageError(`${flag} names nothing`, 'Name a requirements.txt, or leave it out.', flag);
  return listed.map((one) => checked(one, one));
}

/** The version of `--python`, such as `3.11`; the patch number is cut, because only minor versions matter. */
export function readPythonVersion(given: string): string {
  const version = /^(?:python)?(3\.\d{1,2})(?:\.\d+)?$/.exec(given.trim())?.[1] ?? '';
  if (pythonVersionSchema.safeParse(version).success) return version;
  throw new UsageError(`\`${given}\` is no version of Python that models run in`, 'Write --python 3.11.', '--python');
}

function readFile(path: string, name: string, depth: number): string[] {
  if (/\.(ya?ml|toml|lock)$/.test(name))
    throw new UsageError(
      `${name} is no requirements.txt`,
      'Write one from what is installed: pip freeze > requirements.txt; or list the few that the model needs.',
      flag,
    );
  if (statSync(path).size > maxBytes || !statSync(path).isFile())
    throw new UsageError(`${name} is no requirements.txt`, 'Name the file itself.', flag);
  if (depth > maxDepth) throw new UsageError(`${name} includes itself`, 'Remove the -r.', flag);
  const found: string[] = [];
  const lines = readFileSync(path, 'utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const place = `${name}:${at + 1}`;
    let line = lines[at] ?? '';
    while (line.endsWith('\\') && at + 1 < lines.length) line = `${line.slice(0, -1)} ${lines[(at += 1)] ?? ''}`;
    line = line.replace(/(^|\s)#.*$/, '').trim();
    const included = /^(?:-r\s*|--requirement[=\s]\s*)(\S+)$/.exec(line)?.[1];
    if (included !== undefined) found.push(...includedFrom(path, included, place, depth));
    else if (line !== '') found.push(checked(line.replaceAll(/\s+--hash[=\s]\S+/g, ''), place));
  }
  return [...new Set(found)];
}

function includedFrom(path: string, included: string, place: string, depth: number): string[] {
  const inner = resolve(dirname(path), included);
  if (existsSync(inner)) return readFile(inner, included, depth + 1);
  throw new UsageError(`there is no file ${included}`, 'Check the path behind -r.', place);
}

function checked(line: string, place: string): string {
  if (/^(-i|--(extra-)?index-url|--find-links|-f|--trusted-host|--no-index)\b/.test(line))
    throw new UsageError(
      'where packages come from is a setting of the server',
      'Remove the line; python.indexes of the server names the index.',
      place,
    );
  if (line.startsWith('-e') || line.startsWith('--editable') || /^(\.|\/|~|[A-Za-z]:\\|file:)/.test(line))
    throw new UsageError(
      `\`${line}\` lies on this machine, where the server cannot fetch it`,
      'Publish it to an index; or hand over a folder with a model.py and that code.',
      place,
    );
  if (line.startsWith('-'))
    throw new UsageError(`the option \`${line.split(/[\s=]/)[0] ?? line}\` is not read`, 'Remove the line.', place);
  const parsed = requirementSchema.safeParse(line);
  if (parsed.success) return parsed.data;
  throw new UsageError(`\`${line}\` is no requirement`, 'Write it such as scikit-learn==1.5.2.', place);
}
