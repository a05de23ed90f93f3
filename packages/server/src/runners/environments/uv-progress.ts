import { normalName } from './requirement.ts';

/** What a line of uv means to somebody who waits; null where it says nothing new. `versions` are the pins, by normal name. */
export function progressOf(line: string, versions: ReadonlyMap<string, string>): string | null {
  const downloading = /^\s*Downloading (\S+) \(([\d.]+)\s*([KMG]i?B)\)/.exec(line);
  if (downloading !== null) {
    const [, name = '', amount = '', unit = ''] = downloading;
    const version = versions.get(normalName(name));
    return `downloading ${name}${version === undefined ? '' : ` ${version}`} (${amount} ${unit})`;
  }
  const counted = /^(Prepared|Installed) (\d+) (packages?)/.exec(line);
  if (counted !== null) {
    const [, what, count, noun] = counted;
    return what === 'Prepared' ? `${count} ${noun} ready to install` : `installed ${count} ${noun}`;
  }
  const building = /^\s*(Building|Built) (\S+)/.exec(line);
  return building === null ? null : `${building[1] === 'Built' ? 'built' : 'building'} ${building[2]}`;
}
