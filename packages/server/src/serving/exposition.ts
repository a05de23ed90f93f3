/**
 * Joins texts in Prometheus' exposition format into one that is valid again: every metric once, with one HELP and one
 * TYPE line and all its samples together, whichever process they come from.
 */
export function joinExpositions(texts: readonly string[]): string {
  const families = new Map<
    string,
    { help: string | undefined; type: string | undefined; readonly samples: string[] }
  >();
  for (const text of texts) {
    let current: string | undefined;
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('# EOF')) continue;
      const comment = /^# (HELP|TYPE) (\S+)/.exec(line);
      const name: string = comment?.[2] ?? familyOf(line, current);
      current = name;
      let family = families.get(name);
      if (family === undefined) {
        family = { help: undefined, type: undefined, samples: [] };
        families.set(name, family);
      }
      if (comment?.[1] === 'HELP') family.help ??= line;
      else if (comment?.[1] === 'TYPE') family.type ??= line;
      else if (!line.startsWith('#')) family.samples.push(line);
    }
  }
  const lines: string[] = [];
  for (const { help, type, samples } of families.values()) {
    if (help !== undefined) lines.push(help);
    if (type !== undefined) lines.push(type);
    for (const sample of samples) lines.push(sample);
  }
  return `${lines.join('\n')}\n`;
}

/** The metric that a sample belongs to: the one that was declared last, if the sample is its own, its bucket, sum or count. */
function familyOf(line: string, current: string | undefined): string {
  const name = /^[A-Za-z_:][A-Za-z0-9_:]*/.exec(line)?.[0] ?? line;
  if (
    current !== undefined &&
    (name === current ||
      ['_bucket', '_sum', '_count', '_total', '_created'].some((suffix) => name === current + suffix))
  )
    return current;
  return name;
}
