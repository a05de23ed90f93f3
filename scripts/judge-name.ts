const SHAPE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.[a-z]+$/;
const EMPTY_WORDS = new Set(['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'manager']);

/** What is wrong with the name of a file, `path` being its way from the top of the repository; undefined when nothing is. */
export function judgeName(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (!SHAPE.test(name)) return `Call a file in kebab-case after the one thing in it; "${name}" is not kebab-case.`;
  const empty = path.split(/[/.-]/).find((word) => EMPTY_WORDS.has(word));
  if (empty !== undefined) return `Call a file after the one thing in it; "${empty}" in "${path}" says nothing.`;
  return undefined;
}
