/**
 * The form in which names of models are compared: without regard to case and to Unicode's ways of writing one text, so
 * that no two models look alike. A name is shown and looked up as it was given.
 */
export function foldModelName(name: string): string {
  return name.normalize('NFKC').toLowerCase().normalize('NFKC');
}
