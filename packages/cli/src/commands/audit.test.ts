import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AuditTwin, startAuditTwin, twinNote } from '../../test-support/audit-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';
import { notesIn, withBar } from './audit-verify.ts';

let home: Home;
let twin: AuditTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startAuditTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function audit(...words: string[]): Promise<Ended> {
  return await home.run(['audit', ...words], { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

describe('audit search', () => {
  test('lists entries newest first, by name where there is one, and says when there are more', async () => {
    const { code, stdout, stderr } = await audit('search', '--limit', '2');
    expect(code).toBe(0);
    const [title, first, second, ...rest] = stdout.trim().split('\n');
    expect(title).toMatch(/^ENTRY +WHEN +ACTOR +ACTION +SUBJECT +OUTCOME$/);
    expect(first).toMatch(/119 +2026-\S+ +a1 +endpoint\.deploy +endpoint\/fraud +allowed/);
    expect(second).toMatch(/118 +2026-\S+ +ana +/);
    expect(rest).toEqual([]);
    expect(stderr).toContain('--limit 4');
    expect(stderr).toMatch(/See one +.*audit show 119/);
  });

  test('sends its filters, with times from a span, a day or a moment', async () => {
    const filters = '--actor ana --action endpoint.deploy --subject endpoint/fraud --outcome denied';
    await audit('search', ...filters.split(' '), '--since', '2026-11-01', '--until', '2026-11-02T10:00:00+02:00');
    expect(twin.seen).toEqual([
      expect.objectContaining({
        actor: 'ana',
        action: 'endpoint.deploy',
        subject: 'endpoint/fraud',
        outcome: 'denied',
        from: '2026-11-01T00:00:00.000Z',
        until: '2026-11-02T08:00:00.000Z',
      }),
    ]);
    const before = Date.now();
    await audit('search', '--since', '2h');
    const { from } = twin.seen[1] as { from: string };
    expect(Date.parse(from) - (before - 7_200_000)).toBeLessThan(60_000);
    expect(Date.parse(from)).toBeGreaterThanOrEqual(before - 7_200_000);
  });

  test('reads as many pages as it needs', async () => {
    const { stdout } = await audit('search', '--limit', '110', '--json');
    const { items } = JSON.parse(stdout) as { items: { seq: number }[] };
    expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 110 }, (_, index) => 119 - index));
  });

  test.each([['yesterday'], ['2026-02-30'], ['2026-11-01T09:30'], ['5']])(
    'refuses the time %s before it asks anybody',
    async (time) => {
      const { code, stderr } = await audit('search', '--since', time);
      expect(code).toBe(64);
      expect(stderr).toContain('--since');
      expect(twin.seen).toEqual([]);
    },
  );
});

describe('audit show', () => {
  test('shows an entry with its facts and its bytes', async () => {
    const { stdout, stderr } = await audit('show', '4');
    expect(stdout).toMatch(/^actor +ana \(person a0\)$/m);
    expect(stdout).toMatch(/^version +3$/m);
    expect(stdout).toMatch(/^body +\{"seq":4\}$/m);
    expect(stderr).toContain('audit prove 4');
  });

  test('says that an entry is damaged and shows nothing that it claims', async () => {
    const { stdout } = await audit('show', '7');
    expect(stdout).toMatch(/^damaged +the body is that of entry 6$/m);
    expect(stdout).not.toContain('endpoint.deploy');
  });

  test('of a number that is not there is exit code 6, of no number 64', async () => {
    expect((await audit('show', '500')).code).toBe(6);
    expect((await audit('show', 'first')).code).toBe(64);
  });
});

describe('audit verify', () => {
  test.each([
    ['ok', 0],
    ['tampered', 1],
    ['unanchored', 2],
    ['unreadable', 3],
  ] as const)('ends %s with exit code %i', async (outcome, expected) => {
    twin.report = {
      ...twin.report,
      outcome,
      firstBad: outcome === 'tampered' ? 17 : null,
      findings: ['entry 17 differs'],
    };
    const { code, stdout } = await audit('verify');
    expect(code).toBe(expected);
    expect(stdout).toContain(outcome);
    expect(stdout).toContain('entry 17 differs');
    if (outcome === 'tampered') expect(stdout).toContain('the first bad entry is 17');
  });

  test('sends the notes that were kept, by the names of their files', async () => {
    const [first, second] = [join(home.folder, 'a.txt'), join(home.folder, 'b.txt')];
    writeFileSync(first, twinNote);
    writeFileSync(second, twinNote);
    await audit('verify', '--against', first, '--against', second);
    expect(twin.seen).toEqual([
      {
        notes: [
          { source: 'a.txt', note: twinNote },
          { source: 'b.txt', note: twinNote },
        ],
      },
    ]);
  });

  test('takes the last notes of a file that holds many, between which other lines may stand', async () => {
    const file = join(home.folder, 'kept.txt');
    const notes = Array.from({ length: 130 }, (_, at) => twinNote.replace('120', String(at)));
    writeFileSync(file, notes.map((note, at) => `leaves ${at} AAAA\n\n${note}\n`).join(''));
    const { stderr } = await audit('verify', '--against', file);
    expect(stderr).toContain('holds 130 notes: the last 100 are sent');
    const [{ notes: sent }] = twin.seen as [{ notes: { note: string }[] }];
    expect(sent.map(({ note }) => note)).toEqual(notes.slice(30));
    expect(notesIn(twinNote)).toEqual([twinNote]);
  });

  test('prints the report as JSON', async () => {
    const { stdout } = await audit('verify', '--json');
    expect(JSON.parse(stdout)).toEqual(twin.report);
  });

  test('that could not look is exit code 3, never 1, whatever the reason', async () => {
    for (const failure of ['not_allowed', 'internal_error', 'token_invalid', 'control_unavailable'] as const) {
      twin.failure = failure;
      const { code, stderr } = await audit('verify');
      expect(code).toBe(3);
      expect(stderr).toContain(failure);
    }
    twin.failure = undefined;
    await twin.close();
    expect((await audit('verify')).code).toBe(3);
    twin = await startAuditTwin();
  });

  test('refuses a note that is not there, or is none', async () => {
    expect((await audit('verify', '--against', join(home.folder, 'nothing'))).code).toBe(64);
    const long = join(home.folder, 'long.txt');
    for (const text of ['', 'x'.repeat(10_000), `${'x'.repeat(10_000)}\n\n\u2014 a b\n`]) {
      writeFileSync(long, text);
      const { code, stderr } = await audit('verify', '--against', long);
      expect(code).toBe(64);
      expect(stderr).toContain('long.txt holds no signed note');
    }
    expect(twin.seen).toEqual([]);
  });

  test('draws how far it is', () => {
    expect(withBar('checked 60,000 of 120,000 entries', true)).toBe(
      '██████████░░░░░░░░░░ checked 60,000 of 120,000 entries',
    );
    expect(withBar('checked 3 of 3 entries', false)).toBe('#################### checked 3 of 3 entries');
    expect(withBar('waiting for its turn', true)).toBe('waiting for its turn');
  });

  test('states its exit codes in its help', async () => {
    const { stdout } = await audit('verify', '--help');
    expect(stdout).toContain('0 ok, 1 tampered, 2 unanchored');
  });
});

describe('audit prove, checkpoint and export', () => {
  test('a proof goes to standard output or to a file, the same', async () => {
    const { stdout } = await audit('prove', '3');
    const file = join(home.folder, 'proof.json');
    await audit('prove', '3', '-o', file);
    expect(readFileSync(file, 'utf8')).toBe(stdout);
    expect(JSON.parse(stdout)).toEqual({ seq: 3, body: '{}', path: ['AAAA'], note: twinNote, keys: ['k'] });
  });

  test('a new key is printed after those before it, to be pinned', async () => {
    const { code, stdout, stderr } = await audit('rotate-key');
    expect([code, stdout]).toEqual([0, 'key\nnewer key\n']);
    expect(stderr).toContain('new key');
    expect(JSON.parse((await audit('rotate-key', '--json')).stdout)).toEqual({
      origin: 'muster/twin',
      keys: ['key', 'newer key'],
    });
  });

  test('a checkpoint prints its note byte for byte, and says where it went', async () => {
    const { code, stdout, stderr } = await audit('checkpoint');
    expect(stdout).toBe(twinNote);
    expect(stderr).toContain('signed 120 entries; published to file, webhook');
    expect(code).toBe(0);
  });

  test('a sink that failed is warned of, also with --quiet', async () => {
    twin.webhook = 'it answered 503';
    const { stderr } = await audit('checkpoint', '--quiet');
    expect(stderr).toContain('not published to webhook: it answered 503');
  });

  test('an export goes to standard output or to a file, the same', async () => {
    const { stdout } = await audit('export');
    const file = join(home.folder, 'ledger.jsonl');
    const { stderr } = await audit('export', '-o', file);
    expect(readFileSync(file, 'utf8')).toBe(stdout);
    expect(stderr).toContain('wrote 1 entries');
  });

  test('an export that breaks off leaves no file and fails', async () => {
    twin.breaksOff = true;
    const { code, stderr } = await audit('export', '-o', join(home.folder, 'ledger.jsonl'));
    expect(stderr).toContain('the export broke off');
    expect(code).toBe(9);
    expect((await audit('export')).code).toBe(9);
    expect(readdirSync(home.folder).filter((name) => name.startsWith('ledger'))).toEqual([]);
  });
});
