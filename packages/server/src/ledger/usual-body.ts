import type { BodyFacts } from './check-entry.ts';
import { isCanonical } from './canonical-json.ts';

/*
 * Verification spends most of its time reading bodies, and nearly all have the form that this server writes. One regular
 * expression reads that form and shows at once that it is canonical: the members are in order, and no string has anything
 * that needs an escape. What does not match is not wrong; it is parsed and checked the long way.
 */

/** What is between quotation marks and stands for itself, and a number that is a safe integer. */
const text = '[^"\\\\\\x00-\\x1f\\ud800-\\udfff]*';
const number = '(?:0|[1-9]\\d{0,14})';

const usualForm = new RegExp(
  [
    `^\\{"action":"(${text})"`,
    `"actor":\\{"id":"(${text})","kind":"${text}"(?:,"token":"${text}")?\\}(?:,"after":"${text}")?`,
    `"at":(${number})(?:,"before":"${text}")?`,
    `"ctx":(\\{.*\\})`,
    `"outcome":"(${text})"`,
    `"request":"${text}"`,
    `"seq":(${number})`,
    `"subject":\\{"id":"(${text})","kind":"(${text})"\\}`,
    `"team":(?:null|"(${text})")`,
    `"v":1\\}$`,
  ].join(','),
);

/** Reads a body of the usual form; undefined for any other. What it reads is canonical, and what `JSON.parse` reads. */
export function readUsualBody(body: string): BodyFacts | undefined {
  const match = usualForm.exec(body);
  if (match === null) return undefined;
  const [, action, actor, at, written = '', outcome, seq, id, kind, team] = match;
  const ctx = readContext(written);
  if (ctx === undefined) return undefined;
  const subject = { kind, id };
  return {
    v: 1,
    seq: Number(seq),
    at: Number(at),
    actor: { id: actor },
    action,
    subject,
    team: team ?? null,
    outcome,
    ctx,
  };
}

/** Only where it is one canonical object, it ends where the expression says that it does. */
function readContext(written: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const ctx = JSON.parse(written) as Readonly<Record<string, unknown>>;
    return isCanonical(written, ctx) ? ctx : undefined;
  } catch {
    return undefined;
  }
}
