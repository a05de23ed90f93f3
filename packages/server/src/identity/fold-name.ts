/** A name without regard to case and to Unicode's ways of writing it: two actors never differ in these alone. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}
