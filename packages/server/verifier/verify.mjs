#!/usr/bin/env node
/**
 * Checks a Muster ledger without Muster: Node 20 or newer, no packages, no network. It is meant to be read, after the two
 * files that it imports: entries-and-notes.mjs and verify-proof.mjs.
 *
 *   node verify.mjs EXPORT [--notes FILE]... [--key VERIFIER]...         an export against checkpoints that you kept
 *   node verify.mjs --proof FILE [--notes FILE]... [--key VERIFIER]...   one entry against the checkpoint in its proof
 *
 * EXPORT is JSON, a line each: first {"format": "muster-ledger-export/1", "origin", "keys": [...]}, then an entry a line,
 * {"seq", "body"}. A proof is {"seq", "body", "path": [base64, ...], "note", "keys": [...]}. FILE after --notes holds signed
 * notes (c2sp.org/tlog-checkpoint), each ended by an empty line; "leaves SEQ BASE64" before a note are the hashes of the
 * entries from SEQ on. A VERIFIER (name+id+base64) that you got from somebody else replaces trust in the keys of the export.
 *
 * Exit: 0 all is well, 1 tampered with, 2 some entries are not covered by your checkpoints, 3 cannot check.
 */
/* oxlint-disable typescript/no-unsafe-argument, typescript/no-unsafe-assignment, typescript/no-unsafe-call, typescript/no-unsafe-member-access, typescript/no-unsafe-return -- it runs as it is, without a compiler */
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkEntry, checkSignatures, leafOf, nodeOf, readNotes, sha256 } from './entries-and-notes.mjs';
import { verifyProof } from './verify-proof.mjs';

export { readNotes, verifyProof };

/** @typedef {import('./entries-and-notes.mjs').Note} Note */
/** @typedef {import('./entries-and-notes.mjs').Report} Report */

/** Checks entries, in the order of the export, against notes. `pinned` are verifiers that you trust.
 * @param {{ origin: string, keys: string[] }} header @param {AsyncIterable<{ seq: number, body: string }>} entries
 * @param {Note[]} notes @param {string[]} pinned @returns {Promise<Report>} */
export async function verifyExport(header, entries, notes, pinned = []) {
  const [wrong, notices] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  let firstBad = null;
  const isBad = (seq, sentence) => {
    if (seq !== null) firstBad = Math.min(firstBad ?? seq, seq);
    if (wrong.length < 100) wrong.push(sentence);
  };

  // 1. The entries by themselves, and the root of the tree over them at the size of each note. `edge` holds the roots of
  // the full subtrees at the right edge of the tree, one for each bit of its size.
  const [edge, leaves, restores, keys] = [[], [], [], new Map()];
  const waiting = notes.toSorted((a, b) => a.size - b.size);
  const compareRoots = () => {
    for (; waiting[0]?.size === leaves.length; waiting.shift()) {
      const root = edge.length === 0 ? sha256('') : edge.reduceRight((right, left) => nodeOf(left, right));
      waiting[0].state = root.toString('base64') === waiting[0].root ? 'matches' : 'differs';
    }
  };
  let [next, at, isBroken] = [0, 0, false];
  compareRoots();
  for await (const { seq, body } of entries) {
    if (seq > next) isBad(next, `the entries ${next} to ${seq - 1} are missing`);
    if (seq < next) isBad(seq, `entry ${seq} stands where entry ${next} belongs`);
    isBroken ||= seq !== next;
    next = Math.max(next, seq + 1);
    const { entry, problem } = checkEntry(seq, body, at);
    if (problem !== undefined) isBad(seq, `entry ${seq} ${problem}`);
    const { action, ctx } = entry;
    at = entry.at ?? at;
    if (action === 'system.ledger-key' && !keys.has(ctx.key)) keys.set(ctx.key, seq);
    if (action === 'system.restored')
      restores.push({ seq, at, id: ctx.restored, lostTo: ctx.sizeBefore, ended: ctx.ended });
    if (isBroken) continue; // what comes behind a gap has another place in the tree
    let node = leafOf(body);
    for (let index = leaves.push(node) - 1; index % 2 === 1; index = (index - 1) / 2) node = nodeOf(edge.pop(), node);
    edge.push(node);
    compareRoots();
  }
  for (const note of waiting) note.state = note.size > next ? 'beyond' : 'unknown';

  // 2. Who signed. The first key is trusted, or those that you named; another one where a trusted one signed its entry.
  const { signed, unreadable, ...found } = checkSignatures(notes, header.origin, [
    ...keys.keys(),
    ...header.keys,
    ...pinned,
  ]);
  for (const sentence of found.wrong) isBad(null, sentence);
  const matching = signed.filter(({ state }) => state === 'matches');
  const trusted = new Set(pinned);
  for (const line of header.keys) if (!keys.has(line)) isBad(null, `no entry introduced the key ${line}`);
  for (const [line, seq] of keys) {
    const isEndorsed = matching.some(({ size, signers }) => size > seq && signers.some((by) => trusted.has(by)));
    if (trusted.size === 0 || isEndorsed) trusted.add(line);
    else if (!trusted.has(line))
      notices.push(`NEW KEY: entry ${seq} introduced ${line}, and no key before it signed that`);
  }
  for (const { size, signers, source } of pinned.length === 0 ? [] : signed) {
    const isTrusted = signers.some((by) => trusted.has(by));
    if (!isTrusted) isBad(null, `${source}: no key that you trust signed the checkpoint of ${size} entries`);
  }

  // 3. Notes that contradict. One is excused only where a restore ended the history that it belongs to, and a checkpoint
  // that you kept covers that restore.
  const largest = (some) => some.reduce((most, { size }) => Math.max(most, size), 0);
  const anchored = largest(matching);
  const isAnchored = (restore) => {
    const later = restores.filter(({ seq }) => seq >= restore.seq).map(({ id }) => id);
    return matching.some(({ size, restored }) => size > restore.seq && later.includes(restored));
  };
  const contradicting = signed.filter(({ size, state, restored }) => {
    if (state === 'matches' || state === 'unknown') return false;
    const index = restores.findIndex(({ id }) => id === restored);
    const isKnown = restored === '' || index !== -1;
    const end = isKnown ? restores[index + 1] : restores.find(({ ended }) => ended.includes(restored));
    const isOfNow = (restores.findLast(({ seq }) => seq < size)?.id ?? '') === restored;
    if (isOfNow || end === undefined || end.seq >= size || !isAnchored(end)) return true;
    end.lostTo = Math.max(end.lostTo, size);
    return false;
  });
  const [first] = contradicting.toSorted((a, b) => a.size - b.size);
  if (first !== undefined) {
    const from = largest(matching.filter(({ size }) => size < first.size));
    const kept = new Map(signed.flatMap((note) => [...note.leaves]));
    const isChanged = (leaf, seq) => seq >= from && seq < first.size && kept.get(seq)?.equals(leaf) === false;
    const changed = leaves.findIndex(isChanged);
    const isCut = changed === -1 && first.state === 'beyond';
    const which = isCut
      ? `entry ${next} is gone`
      : changed === -1
        ? `one of ${from} to ${first.size - 1} differs`
        : `entry ${changed} differs`;
    const what = `the entries are not those of the checkpoint of ${first.size} entries of ${first.source}`;
    isBad(isCut ? next : changed === -1 ? from : changed, `${what}: first, ${which}`);
  }
  for (const restore of restores) {
    const [count, time] = [Math.max(0, restore.lostTo - restore.seq), new Date(restore.at).toISOString()];
    const doubt = isAnchored(restore) ? '' : ', and no checkpoint that you kept covers that';
    notices.push(`RESTORED: ${count} entries were lost by the restore of ${time} (entry ${restore.seq})${doubt}`);
  }
  if (anchored < next)
    notices.push(`the entries from ${anchored} on are not yet anchored: no checkpoint of yours covers them`);
  const otherwise = unreadable.length > 0 ? 'unreadable' : anchored < next ? 'unanchored' : 'ok';
  const findings = [...wrong, ...notices, ...unreadable].slice(0, 100);
  return { outcome: wrong.length > 0 ? 'tampered' : otherwise, size: next, anchored, firstBad, findings };
}

async function* entriesOf(lines) {
  for (let line = await lines.next(); line.done !== true; line = await lines.next()) yield JSON.parse(line.value);
}

async function main() {
  const many = /** @type {const} */ ({ type: 'string', multiple: true, default: [] });
  const options = { notes: many, key: many, proof: /** @type {const} */ ({ type: 'string' }) };
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const notes = values.notes.flatMap((file) => readNotes(readFileSync(file, 'utf8'), file));
  if (values.proof !== undefined) return verifyProof(JSON.parse(readFileSync(values.proof, 'utf8')), notes, values.key);
  if (positionals[0] === undefined) throw new Error('say which export to check: node verify.mjs EXPORT --notes FILE');
  const lines = createInterface({ input: createReadStream(positionals[0]) })[Symbol.asyncIterator]();
  const header = JSON.parse((await lines.next()).value ?? '{}');
  if (header.format !== 'muster-ledger-export/1') throw new Error(`${positionals[0]} is no export of a ledger`);
  return await verifyExport(header, entriesOf(lines), notes, values.key);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const failed = (error) => ({
    outcome: 'unreadable',
    size: 0,
    anchored: 0,
    firstBad: null,
    findings: [error.message],
  });
  const { outcome, size, anchored, firstBad, findings } = await main().catch(failed);
  console.log(
    `${outcome}: ${size} entries, ${anchored} anchored${firstBad === null ? '' : `, the first bad one is ${firstBad}`}`,
  );
  for (const finding of findings) console.log(`- ${finding}`);
  process.exitCode = ['ok', 'tampered', 'unanchored', 'unreadable'].indexOf(outcome);
}
