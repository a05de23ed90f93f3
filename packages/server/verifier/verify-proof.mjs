/** Checks one entry without the others: `node verify.mjs --proof FILE`. */
/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- it runs as it is, without a compiler */
import { checkEntry, checkSignatures, leafOf, nodeOf, readNotes } from './entries-and-notes.mjs';

/** @typedef {import('./entries-and-notes.mjs').Note} Note */
/** @typedef {import('./entries-and-notes.mjs').Report} Report */

/** Checks that an entry is in the tree of the note in its proof, and that note against yours of the same size.
 * @param {{ seq: number, body: string, path: string[], note: string, keys: string[] }} proof @param {Note[]} notes
 * @param {string[]} pinned @returns {Report} */
export function verifyProof({ seq, body, path, note: text, keys }, notes, pinned = []) {
  const read = readNotes(text, 'the proof');
  const { origin, size, root } = read[0] ?? { origin: '', size: 0, root: '' };
  const { signed, wrong, unreadable } = checkSignatures(read, origin, pinned.length > 0 ? pinned : keys);
  const findings = [...wrong, ...unreadable, ...(signed.length === 0 ? ['the proof has no signed checkpoint'] : [])];
  const isLeft = [];
  for (let [index, width] = [seq, size]; width > 1;) {
    const half = 2 ** Math.ceil(Math.log2(width) - 1); // the largest power of two below the width
    isLeft.unshift(index < half);
    [index, width] = index < half ? [index, half] : [index - half, width - half];
  }
  const join = (node, sibling, step) => (isLeft[step] ? nodeOf(node, sibling) : nodeOf(sibling, node));
  const reached = path
    .map((one) => Buffer.from(one, 'base64'))
    .reduce(join, leafOf(body))
    .toString('base64');
  const { problem } = checkEntry(seq, body, 0);
  if (problem !== undefined) findings.push(`entry ${seq} ${problem}`);
  if (seq >= size || path.length !== isLeft.length || reached !== root)
    findings.push(`entry ${seq} is not in the tree`);
  const yours = notes.filter((one) => one.size === size && one.origin === origin);
  if (yours.some((one) => one.root !== root)) findings.push(`your checkpoint of ${size} entries has another root`);
  if (findings.length > 0) return { outcome: 'tampered', size, anchored: 0, firstBad: seq, findings };
  if (yours.length > 0 || pinned.length > 0) return { outcome: 'ok', size, anchored: size, firstBad: null, findings };
  const advice = 'nothing of yours covers the proof: give --notes with the same checkpoint, or --key';
  return { outcome: 'unanchored', size, anchored: 0, firstBad: null, findings: [advice] };
}
