import { type Setting, listSettings } from './setting-names.ts';
import type { Configuration } from './settings.ts';

/** The configuration as lines of `key = value`, secrets as `•••`: safe to log. */
export function showConfiguration(configuration: Configuration): Record<string, unknown> {
  return Object.fromEntries(
    listSettings()
      .map(
        (setting) =>
          [
            setting.key,
            shown(
              setting,
              setting.path.reduce<unknown>(
                (value, part) => (value as Record<string, unknown> | undefined)?.[part],
                configuration,
              ),
            ),
          ] as const,
      )
      .filter(([, value]) => value !== undefined),
  );
}

function shown(setting: Setting, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (setting.isSecret) return '•••';
  return Array.isArray(value) ? value.map((item: unknown) => withoutPath(item)) : value;
}

/** Of the address of a receiver, path and query may be a secret by themselves. */
function withoutPath(item: unknown): unknown {
  if (typeof item !== 'object' || item === null || !('url' in item) || typeof item.url !== 'string') return item;
  const { origin, pathname, search } = new URL(item.url);
  return { ...item, url: pathname === '/' && search === '' ? origin : `${origin}/…` };
}

/** `docs/reference/configuration.md`: every setting with its three names, its default and what it does. */
export function describeConfiguration(): string {
  const rows = listSettings().map(
    (setting) =>
      `| \`${setting.key}\` | \`${setting.variable}\` | ${setting.isSecret ? '' : `\`${setting.flag}\``} | ${defaultOf(setting)} | ${meaning(setting)} |`,
  );
  return [
    '# Configuration',
    '',
    'Generated from `packages/server/src/config/settings.ts` by `npm run docs:generate`; do not edit.',
    '',
    'A setting has one name, its key in the file; the names of its environment variable and its flag follow from it. Flags win over the environment, the environment over the file, the file over the defaults.',
    'The file is `muster.config.json` in the working directory, or the one that `--config` or `MUSTER_CONFIG` names: an object of settings, as in `{"port": 8080, "log": {"level": "debug"}}`.',
    'In variables and flags a list is separated by commas, or written as JSON. A name that is not known is an error. Secrets have no flag: everybody on a machine can read flags.',
    '',
    '| key | variable | flag | default | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** What `--help` of the server prints. */
export function usage(): string {
  const settings = listSettings().filter((setting) => !setting.isSecret);
  const width = Math.max(...settings.map((setting) => setting.flag.length));
  const lines = settings.map(
    (setting) =>
      `  ${setting.flag.padEnd(width)}  ${meaning(setting)}${setting.defaultValue === undefined ? '' : ` (${text(setting.defaultValue)})`}`,
  );
  return [
    'Usage: muster up [flags]',
    '',
    `  ${'--config'.padEnd(width)}  JSON file of settings (muster.config.json, where it exists)`,
    ...lines,
    '',
  ].join('\n');
}

function meaning(setting: Setting): string {
  return `${setting.description.replace(/\.$/, '')}${setting.choices.length === 0 ? '' : `. One of ${setting.choices.join(', ')}`}`;
}

function defaultOf(setting: Setting): string {
  return setting.defaultValue === undefined ? '' : `\`${text(setting.defaultValue)}\``;
}

function text(value: unknown): string {
  return Array.isArray(value) && value.length === 0 ? 'none' : String(value);
}
