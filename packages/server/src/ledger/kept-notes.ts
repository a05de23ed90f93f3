import { hashBytes } from './merkle-tree.ts';

/*
 * What a folder of checkpoints holds, as text: records one after the other, each ended by an empty line. Before a note
 * stand the leaves that it covers and the note before did not, so that a ledger that was rewritten can be told from what
 * it was, entry by entry:
 *
 *   leaves 1200 <base64 of the leaf hashes of the entries 1200, 1201, …>
 *
 *   muster/<installation>
 *   …
 *
 *   — muster/<installation> <base64>
 *
 * A line "!" ends a record that a crash cut short.
 */

/** The leaves of some entries, in a row, as they were when the note behind them was made. */
export interface KeptLeaves {
  readonly from: number;
  /** Base64 of the hashes one after the other. */
  readonly hashes: string;
}

export interface KeptNote {
  readonly note: string;
  readonly leaves: readonly KeptLeaves[];
}

const leavesInLine = 4096;

/** What ends a record that a crash cut short, before the next one begins. */
export const tornEnd = '\n!\n\n';

/** Writes a record. */
export function formatKeptNote(note: string, from: number, leaves: readonly Uint8Array[]): string {
  const lines: string[] = [];
  for (let at = 0; at < leaves.length; at += leavesInLine) {
    const hashes = Buffer.concat(leaves.slice(at, at + leavesInLine)).toString('base64');
    lines.push(`leaves ${from + at} ${hashes}\n\n`);
  }
  return `${lines.join('')}${note}\n`;
}

/** Reads records. `torn` counts what is neither note nor leaves, such as the end of a write that a crash cut short. */
export function parseKeptNotes(text: string): { readonly kept: readonly KeptNote[]; readonly torn: number } {
  const kept: KeptNote[] = [];
  let leaves: KeptLeaves[] = [];
  let checkpoint: string | undefined;
  let torn = 0;
  const parts = text.split(/\n\n+/);
  for (const [index, part] of parts.entries()) {
    const trimmed = part.replace(/^\n+/, '');
    if (trimmed === '') continue;
    const isCut = trimmed.endsWith('\n!') || trimmed === '!' || (index === parts.length - 1 && !text.endsWith('\n'));
    const match = /^leaves (\d{1,15}) ([A-Za-z0-9+/=]*)$/.exec(trimmed);
    if (trimmed.startsWith('— ') && checkpoint !== undefined && !isCut) {
      kept.push({ note: `${checkpoint}\n\n${trimmed.trimEnd()}\n`, leaves });
      leaves = [];
      checkpoint = undefined;
      continue;
    }
    if (isCut || checkpoint !== undefined) torn++;
    checkpoint = undefined;
    if (isCut) continue;
    if (match !== null) leaves.push({ from: Number(match[1]), hashes: match[2] ?? '' });
    else checkpoint = trimmed;
  }
  return { kept, torn: torn + (checkpoint === undefined ? 0 : 1) };
}

/** The hash of entry `seq` among kept leaves. */
export function keptLeaf({ from, hashes }: KeptLeaves, seq: number): Uint8Array | undefined {
  const at = (seq - from) * hashBytes;
  // Decoded around the place only: three bytes are four characters.
  const first = Math.floor(at / 3) * 4;
  if (at < 0) return undefined;
  const bytes = Buffer.from(hashes.slice(first, first + 48), 'base64').subarray(at % 3, (at % 3) + hashBytes);
  return bytes.byteLength === hashBytes ? bytes : undefined;
}
