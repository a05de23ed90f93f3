import { type Claim, type ReadClaims, createSignatureCheck } from './claim.ts';
import type { VerificationReport } from './contract.ts';
import { type Restore, excuseOf, isAnchored } from './restores.ts';
import { type VerifierKey, parseVerifierLine } from './signed-note.ts';
import type { Verification } from './verification.ts';

/** Entries among which the first changed one is: [from, to), and who says so. Those from `size` on are gone. */
export interface ChangedRange {
  readonly from: number;
  readonly to: number;
  readonly size: number;
  readonly source: string;
}

export interface Judgement {
  /** Where a checkpoint outside contradicts; what was kept with it may tell the entry. */
  readonly changed: ChangedRange | undefined;
  report(located: number | undefined): VerificationReport;
}

const maxFindings = 100;

/** Puts together what the entries say and what the checkpoints say. `keys` are the verifier lines of the database. */
export function judge(
  verification: Verification,
  { claims, unreadable, skipped }: ReadClaims,
  keys: readonly string[],
): Judgement {
  verification.end();
  const { size, restores } = verification;
  const lines = [...new Set([...keys, ...verification.keys.keys()])];
  const cannotCheck = [...unreadable];
  const signed = signedClaims(claims, parsedKeys(lines, verification), verification, cannotCheck);
  const outside = signed.filter(({ isOutside }) => isOutside);
  const anchored = largestOf(outside.filter(({ state }) => state === 'matches'));
  const lost = new Map<Restore, number>(restores.map((restore) => [restore, restore.sizeBefore]));
  let changed: ChangedRange | undefined;
  for (const claim of signed.toSorted((a, b) => Number(b.isOutside) - Number(a.isOutside) || sizeOf(a) - sizeOf(b))) {
    if (claim.state === 'matches') continue;
    const excuse = excuseOf(claim, signed, restores);
    if (excuse !== undefined) {
      lost.set(excuse, Math.max(lost.get(excuse) ?? 0, sizeOf(claim)));
    } else if (claim.state !== 'unknown') changed ??= rangeOf(claim, outside, size);
  }
  checkKeys(verification, keys);
  const notices = [
    ...restores.map((restore) => restoreNotice(restore, lost.get(restore) ?? 0, isAnchored(restore, signed, restores))),
    ...unendorsedKeys(verification, signed),
    ...cannotCheck,
    ...skipped,
    ...anchorNotices(size, anchored, outside.length),
  ];
  return {
    changed,
    report(located) {
      const { findings } = verification;
      if (changed !== undefined) {
        const [seq, sentence] = contradictionOf(changed, located);
        verification.isBad(seq, sentence);
      }
      const isTampered = findings.length > 0;
      const outcome = isTampered
        ? 'tampered'
        : cannotCheck.length > 0
          ? 'unreadable'
          : anchored < size
            ? 'unanchored'
            : 'ok';
      return {
        outcome,
        size,
        anchored,
        firstBad: verification.firstBad,
        findings: [...findings, ...notices].slice(0, maxFindings),
        outside: sourcesOf(outside),
      };
    },
  };
}

function sizeOf(claim: Claim): number {
  return claim.note.size;
}

/** There may be more checkpoints than a call takes arguments. */
function largestOf(claims: readonly Claim[]): number {
  return claims.reduce((most, claim) => Math.max(most, sizeOf(claim)), 0);
}

function parsedKeys(lines: readonly string[], verification: Verification): readonly VerifierKey[] {
  return lines.flatMap((line) => {
    const key = parseVerifierLine(line);
    if (key === undefined) verification.isBad(verification.keys.get(line) ?? null, `"${line}" is no key`);
    return key ?? [];
  });
}

/** The claims that count. One in the name of a key of ours that is not by it proves nothing; an unknown key is an alarm. */
function signedClaims(
  claims: readonly Claim[],
  keys: readonly VerifierKey[],
  verification: Verification,
  cannotCheck: string[],
): readonly Claim[] {
  const signatureOf = createSignatureCheck(keys);
  return claims.filter((claim) => {
    const place = `${claim.source}: the checkpoint of ${sizeOf(claim)} entries`;
    switch (signatureOf(claim)) {
      case 'signed':
        return true;
      case 'forged':
        if (claim.isOutside) cannotCheck.push(`${place} has a wrong signature and counts for nothing`);
        else verification.isBad(null, `${place} has a wrong signature`);
        return false;
      case 'unknown':
        verification.isBad(null, `${place} is signed by a key that the ledger does not know`);
        return true;
    }
  });
}

/** From the last checkpoint outside that still matches to the first that does not. */
function rangeOf(claim: Claim, outside: readonly Claim[], size: number): ChangedRange {
  const from = largestOf(outside.filter(({ state, note }) => state === 'matches' && note.size < sizeOf(claim)));
  return { from, to: sizeOf(claim), size, source: claim.source };
}

function contradictionOf({ from, to, size, source }: ChangedRange, located: number | undefined): [number, string] {
  if (to > size) {
    const gone = `the last entries are gone: ${source} has a checkpoint of ${to} entries, and the ledger has ${size}`;
    return located === undefined ? [size, gone] : [located, `${gone}; the first that differs is entry ${located}`];
  }
  const contradiction = `the entries are not those of the checkpoint of ${to} entries of ${source}`;
  const which = located === undefined && to - from > 1 ? `one of ${from} to ${to - 1}` : `entry ${located ?? from}`;
  return [located ?? from, `${contradiction}: the first that differs is ${which}`];
}

/** Every key of the database was introduced by an entry. */
function checkKeys(verification: Verification, keys: readonly string[]): void {
  for (const line of keys) {
    if (!verification.keys.has(line)) verification.isBad(null, `no entry introduced the key ${line}`);
  }
}

/** A key is trusted as the first one, or because a checkpoint by an earlier key covers the entry that introduced it. */
function unendorsedKeys({ keys }: Verification, signed: readonly Claim[]): readonly string[] {
  const trusted = new Set<string>();
  const notices: string[] = [];
  for (const [line, seq] of keys) {
    const isEndorsed = signed.some(
      (claim) => sizeOf(claim) > seq && claim.state === 'matches' && claim.signers.some((by) => trusted.has(by)),
    );
    if (trusted.size === 0 || isEndorsed) trusted.add(line);
    else {
      notices.push(
        `NEW KEY: entry ${seq} introduced ${line}, and no checkpoint by a key before it covers that. Ask who lost the key`,
      );
    }
  }
  return notices;
}

function restoreNotice(restore: Restore, sizeBefore: number, anchored: boolean): string {
  const time = new Date(restore.at).toISOString();
  const count = Math.max(0, sizeBefore - restore.seq);
  const lost = count === 0 ? 'no entry was lost' : `${count} ${count === 1 ? 'entry was' : 'entries were'} lost`;
  const doubt = anchored ? '' : ', and no checkpoint outside covers that yet';
  return `RESTORED: ${lost} by the restore of ${time} (entry ${restore.seq})${doubt}`;
}

function anchorNotices(size: number, anchored: number, outside: number): readonly string[] {
  if (size === anchored) return [];
  if (outside === 0) return [`no checkpoint is kept outside: none of the ${size} entries is anchored`];
  const entries = size - anchored === 1 ? `entry ${anchored} is` : `the entries ${anchored} to ${size - 1} are`;
  return [`${entries} not yet anchored: no checkpoint outside covers ${size - anchored === 1 ? 'it' : 'them'}`];
}

/** Each place outside with its newest checkpoint. */
function sourcesOf(outside: readonly Claim[]): VerificationReport['outside'] {
  const newest = new Map<string, number>();
  for (const claim of outside) newest.set(claim.source, Math.max(newest.get(claim.source) ?? 0, sizeOf(claim)));
  return [...newest].map(([source, size]) => ({ source, size }));
}
