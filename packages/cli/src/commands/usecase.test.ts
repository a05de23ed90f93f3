import { PassThrough } from 'node:stream';
import { type ReviewAnswers, type ReviewQuestion, reviewQuestions, reviewUseCaseSchema } from '@muster-ml/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';
import { type UseCaseTwin, startUseCaseTwin, twinUseCase } from '../../test-support/use-case-twin.ts';
import { createProgram } from '../program.ts';
import { run } from '../run.ts';

let home: Home;
let twin: UseCaseTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startUseCaseTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

const environment = () => ({ MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token });

async function usecase(...words: readonly string[]): Promise<Ended> {
  return await home.run(['usecase', ...words], { env: environment() });
}

/** As on a terminal, where somebody types the lines; without more of them the input ends. */
async function typing(lines: readonly string[], ...words: readonly string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.end(lines.map((line) => `${line}\n`).join(''));
  const code = await run(['usecase', ...words], {
    env: { HOME: home.folder, LANG: 'C.UTF-8', NO_COLOR: '1', ...environment() },
    stdin,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text), isTTY: true },
    workingDirectory: home.folder,
    homeDirectory: home.folder,
    platform: 'linux',
    now: Date.now,
    interruption: new AbortController().signal,
    releaseInterruption: () => {},
  });
  return { code, stdout, stderr };
}

const questions = Object.keys(reviewQuestions) as ReviewQuestion[];
const yesToAll = questions.flatMap((question) => [`--${question}`, 'yes']);
const sentAnswers = (): ReviewAnswers => reviewUseCaseSchema.parse(twin.seen.at(-1)?.body).answers;

describe('usecase propose and set', () => {
  test('writes down what is known, and says what follows', async () => {
    const { stdout, stderr, code } = await usecase(
      'propose',
      'fraud-alerts',
      '--title',
      'Stop fraud',
      '--problem',
      'It costs',
      '--team',
      'risk',
      '--metric',
      'fraud found',
      '--unit',
      'percent',
      '--target',
      '80',
      '--value',
      '120.5',
      '--currency',
      'EUR',
      '--per',
      'fraud found',
    );
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('proposed fraud-alerts in risk');
    expect(stderr).toMatch(/Review it +\S.* usecase review fraud-alerts/);
    expect(twin.seen.at(-1)?.body).toEqual({
      name: 'fraud-alerts',
      title: 'Stop fraud',
      problem: 'It costs',
      team: 'risk',
      metric: { name: 'fraud found', unit: 'percent', target: 80, targetKnownBy: null },
      value: { amount: 120.5, currency: 'EUR', per: 'fraud found' },
    });
  });

  test('takes a day where nobody knows the target yet', async () => {
    const { stdout } = await usecase(
      'propose',
      'churn',
      '--title',
      'Keep',
      '--problem',
      'They leave',
      '--json',
      '--metric',
      'kept',
      '--target-known-by',
      '2027-03-31',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      name: 'churn',
      metric: { target: null, targetKnownBy: '2027-03-31' },
    });
  });

  const wish = ['propose', 'x', '--title', 'T', '--problem', 'P'];
  test.each([
    [['propose', 'x', '--title', 'T'], 'Give --title and --problem'],
    [[...wish, '--metric', 'found'], 'Add --target 0.8, or --target-known-by 2027-03-31'],
    [[...wish, '--target', '1'], 'Add --metric'],
    [[...wish, '--metric', 'found', '--target', '80%'], '`80%` is no number'],
    [[...wish, '--metric', 'f', '--target', '1', '--target-known-by', '2027-01-01'], 'Give either --target or'],
    [[...wish, '--metric', 'found', '--target-known-by', '2027-02-30'], 'is no time'],
    [[...wish, '--metric', 'found', '--target-known-by', 'soon'], '`soon` is no day'],
    [[...wish, '--value', '12'], '--currency EUR --per'],
    [['set', 'x'], 'Give at least one of'],
    [['accept', 'x', '--reason', 'because it is so'], '--risk-tier'],
    [['accept', 'x', '--risk-tier', 'low', '--reason', 'because it is so'], 'minimal, limited, high'],
    [['decline', 'x'], '--reason'],
    [['list', '--state', 'open'], 'Allowed choices are'],
  ])('muster usecase %j is refused before anything is sent', async (words, remedy) => {
    expect(await usecase(...words)).toMatchObject({ code: 64, stderr: expect.stringContaining(remedy) as unknown });
    expect(twin.seen).toEqual([]);
  });

  test('changes a part of the metric and leaves the rest, as it was read', async () => {
    const metric = { name: 'kept', unit: 'percent', target: null, targetKnownBy: '2027-03-31' };
    twin.useCases.push(twinUseCase({ metric, revision: 4 }));
    const { stderr } = await usecase('set', 'fraud-alerts', '--target', '0.8', '--baseline', 'by hand');
    expect(twin.seen.at(-1)).toMatchObject({
      ifMatch: '"4"',
      body: { baseline: 'by hand', metric: { ...metric, target: 0.8, targetKnownBy: null } },
    });
    expect(stderr).toContain('changed fraud-alerts');
    await usecase('set', 'fraud-alerts', '--metric', '', '--supports', '');
    expect(twin.seen.at(-1)?.body).toEqual({ metric: null, supports: '' });
  });

  test('says that the review is void after a change, and how to get another', async () => {
    twin.useCases.push(twinUseCase());
    await usecase('review', 'fraud-alerts', ...yesToAll);
    const { stderr } = await usecase('set', 'fraud-alerts', '--problem', 'another');
    expect(stderr).toContain('is void');
    expect(stderr).toContain('usecase review fraud-alerts');
  });
});

describe('usecase review', () => {
  beforeEach(() => void twin.useCases.push(twinUseCase()));

  test('takes all answers and notes by flags, and says what they speak for', async () => {
    const { stderr, code } = await usecase(
      'review',
      'fraud-alerts',
      ...yesToAll.slice(0, -1),
      'no',
      '--note',
      'rule=try limits first',
    );
    expect(code).toBe(0);
    expect(sentAnswers()).toMatchObject({
      decision: { answer: 'yes', note: '' },
      rule: { answer: 'no', note: 'try limits first' },
    });
    expect(stderr).toContain('reviewed fraud-alerts: something is to be cleared up first; people decide');
    expect(stderr.indexOf('try it first')).toBeLessThan(stderr.indexOf('There is a decision'));
    expect(stderr).toContain('usecase decline fraud-alerts --reason TEXT');
  });

  test('names the flags that are missing where nobody can be asked', async () => {
    expect(await usecase('review', 'fraud-alerts', ...yesToAll.slice(0, 8))).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('Add --tolerance yes|no|unknown --rule yes|no|unknown.') as unknown,
    });
    expect(await usecase('review', 'fraud-alerts', ...yesToAll, '--note', 'rules=x')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('the questions are decision, baseline') as unknown,
    });
    expect(twin.seen).toEqual([]);
  });

  test('asks the questions one by one on a terminal, with their why, and asks again what is no answer', async () => {
    const lines = ['yes', 'no, nobody counts it', 'perhaps', 'U', 'y', 'Yes: they complain', '?'];
    const { stderr, code } = await typing(lines, 'review', 'fraud-alerts');
    expect(code).toBe(0);
    expect(Object.values(sentAnswers())).toEqual([
      { answer: 'yes', note: '' },
      { answer: 'no', note: 'nobody counts it' },
      { answer: 'unknown', note: '' },
      { answer: 'yes', note: '' },
      { answer: 'yes', note: 'they complain' },
      { answer: 'unknown', note: '' },
    ]);
    expect(stderr).toContain('fraud-alerts: Stop paying fraud');
    for (const { text, why } of Object.values(reviewQuestions)) expect(stderr).toContain(`${text}\n    ${why}`);
    expect(stderr.match(/a note may follow: /g)).toHaveLength(7);
  });

  test('asks only what no flag answers, and changes nothing where the answering is broken off', async () => {
    const { stderr } = await typing(['no'], 'review', 'fraud-alerts', ...yesToAll.slice(0, -2));
    expect(stderr).toContain('1/1 Was it tried');
    expect(sentAnswers().rule.answer).toBe('no');
    twin.seen.length = 0;
    const broken = await typing(['yes', 'no'], 'review', 'fraud-alerts');
    expect(broken).toMatchObject({ code: 130, stderr: expect.stringContaining('Nothing was changed.') as unknown });
    expect(twin.seen.map(({ route }) => route)).toEqual(['useCaseGet']);
  });

  test('asks nothing about what is not there', async () => {
    const { code, stderr } = await typing([], 'review', 'nope');
    expect(code).toBe(6);
    expect(stderr).not.toContain('1/6');
  });

  test('has a flag for every question of the protocol', () => {
    const program = createProgram('0', {}, (command) => command);
    const review = program.commands
      .find((one) => one.name() === 'usecase')
      ?.commands.find((one) => one.name() === 'review');
    expect(review?.options.map(({ long }) => long)).toEqual([...questions.map((one) => `--${one}`), '--note']);
  });
});

describe('usecase accept, decline and retire', () => {
  const reason = 'It pays for itself in a month';
  beforeEach(() => void twin.useCases.push(twinUseCase({ endpoints: ['alerts', 'trial'] })));

  test('accepts with a risk tier and a reason, and says where the review said otherwise', async () => {
    await usecase('review', 'fraud-alerts', '--decision', 'no', ...yesToAll.slice(2));
    const { stderr } = await usecase('accept', 'fraud-alerts', '--risk-tier', 'high', '--reason', reason);
    expect(twin.seen.at(-1)?.body).toEqual({ riskTier: 'high', reason });
    expect(stderr).toContain('accepted fraud-alerts, risk high');
    expect(stderr).toContain('The review said otherwise (it speaks for declining)');
    expect(stderr).toContain('deploy MODEL --name ENDPOINT --use-case fraud-alerts');
  });

  test('declines in a friendly way, and says how it comes back', async () => {
    const { stderr, code } = await usecase('decline', 'fraud-alerts', '--reason', 'A report will do');
    expect(code).toBe(0);
    expect(stderr).toContain('not to build a model is a good answer, too');
    expect(stderr).toContain('usecase review fraud-alerts');
  });

  test('retires, and names the endpoints that are orphans from then on', async () => {
    const { stderr } = await usecase('retire', 'fraud-alerts', '--reason', 'Another provider does it');
    expect(stderr).toContain('Without a use case that counts: alerts, trial');
    expect(stderr).toContain('endpoint delete alerts');
    expect(stderr).toContain('endpoint update alerts --use-case NAME');
  });

  test('tells what the server refuses, with its remedy, as JSON too', async () => {
    twin.fail('useCaseAccept', 'usecase_not_reviewed', 'fraud-alerts was not reviewed as it is now');
    const words = ['accept', 'fraud-alerts', '--risk-tier', 'high', '--reason', reason];
    const { code, stderr } = await usecase(...words);
    expect([code, stderr]).toEqual([1, expect.stringContaining('muster usecase review NAME')]);
    expect(JSON.parse((await usecase(...words, '--json')).stderr)).toMatchObject({ code: 'usecase_not_reviewed' });
  });

  test('all print what became of it as JSON', async () => {
    const states = [];
    for (const words of [
      ['review', 'fraud-alerts', ...yesToAll],
      ['accept', 'fraud-alerts', '--risk-tier', 'minimal', '--reason', reason],
      ['retire', 'fraud-alerts', '--reason', reason],
      ['decline', 'fraud-alerts', '--reason', reason],
      ['set', 'fraud-alerts', '--sponsor', 'sam'],
    ])
      states.push((JSON.parse((await usecase(...words, '--json')).stdout) as { readonly state: string }).state);
    expect(states).toEqual(['proposed', 'accepted', 'retired', 'declined', 'declined']);
  });
});

describe('usecase list and show', () => {
  test('lists them with state, risk and endpoints, filtered by the server', async () => {
    expect((await usecase('list')).stderr).toContain('Propose the first:  muster usecase propose');
    twin.useCases.push(twinUseCase({ state: 'live', riskTier: 'high', endpoints: ['alerts'] }));
    const { stdout } = await usecase('list', '--state', 'live', '--team', 'risk');
    expect(stdout).toMatch(/^NAME +STATE +RISK +ENDPOINTS +TEAM +TITLE$/m);
    expect(stdout).toMatch(/^fraud-alerts +live +high +alerts +risk +Stop paying fraud$/m);
    expect(twin.seen.at(-1)?.query).toMatchObject({ state: 'live', team: 'risk' });
    expect((await usecase('list', '-o', 'name')).stdout).toBe('fraud-alerts\n');
    expect(JSON.parse((await usecase('list', '--json')).stdout)).toMatchObject({ items: [{ name: 'fraud-alerts' }] });
  });

  test('shows what it says, what the review speaks for and what was decided, and the next command', async () => {
    const metric = { name: 'fraud found', unit: 'percent', target: 80, targetKnownBy: null };
    const value = { amount: 120, currency: 'EUR', per: 'fraud found' };
    twin.useCases.push(twinUseCase({ metric, value }));
    expect((await usecase('show', 'fraud-alerts')).stderr).toContain('usecase review fraud-alerts');
    await usecase('review', 'fraud-alerts', ...yesToAll, '--note', 'labels=from \u001b[31mcomplaints');
    await usecase('accept', 'fraud-alerts', '--risk-tier', 'high', '--reason', 'It pays for itself');
    const { stdout, stderr } = await usecase('show', 'fraud-alerts');
    for (const line of [
      /^metric +fraud found: 80 percent$/m,
      /^value +120 EUR per fraud found$/m,
      /^reviewed +by ana, 2026-\S+: it speaks for accepting$/m,
      /^decided +accepted by a2, 2026-\S+, entry 41$/m,
      /^reason +It pays for itself$/m,
      /^labels +yes: from complaints$/m,
    ])
      expect(stdout).toMatch(line);
    expect(stderr).toContain('--use-case fraud-alerts');
  });

  test.each([
    [{ state: 'declined' }, 'usecase review fraud-alerts'],
    [{ state: 'live', endpoints: ['alerts'] }, 'check alerts'],
    [{ state: 'retired', endpoints: ['alerts'] }, 'endpoint delete alerts'],
  ] as const)('of %j says what to do next', async (given, command) => {
    twin.useCases.push(twinUseCase({ ...given, endpoints: 'endpoints' in given ? [...given.endpoints] : [] }));
    expect((await usecase('show', 'fraud-alerts')).stderr).toContain(command);
  });

  test('says that there is none of this name', async () => {
    expect(await usecase('show', 'nope')).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('muster usecase list shows those that you may see') as unknown,
    });
  });
});
