import type { Submission } from '@muster-ml/protocol';
import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { commandName } from '../output/command-name.ts';
import { nextCommands } from '../output/next-commands.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { approvalsText } from '../readiness/submission-text.ts';

export interface ApprovalsListFlags {
  readonly all?: boolean;
}

/** Lists what waits for an approval, newest first; with `--all`, what was decided, too. */
export async function approvalsList(invocation: Invocation, { all }: ApprovalsListFlags): Promise<void> {
  const { terminal, surroundings, flags } = invocation;
  const client = await invocation.client();
  const state = all === true ? {} : { state: 'waiting' as const };
  const items = await allPages((query) => client.call('submissionList', { query: { ...state, ...query } }));
  showList(invocation, items, {
    columns: [
      { title: 'ENDPOINT', value: ({ endpoint }: Submission) => endpoint },
      { title: 'VERSION', value: ({ model, version }) => `${model}:${version}`, shrinks: true },
      { title: 'LEVEL', value: ({ level }) => level },
      { title: 'RISK', value: ({ riskTier }) => riskTier ?? '-' },
      { title: 'STATE', value: (one) => one.state },
      { title: 'APPROVALS', value: approvalsText },
      {
        title: 'SUBMITTED',
        value: ({ submitted }) => timeText(submitted.at, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'BY', value: ({ submitted }) => submitted.by.name ?? submitted.by.id, shrinks: true },
      { title: 'ID', value: ({ id }) => id },
      { title: 'TEAM', value: ({ team }) => team, wide: true, shrinks: true },
      { title: 'NOTE', value: ({ note }) => note, wide: true, shrinks: true },
      { title: 'WHY', value: ({ why }) => why ?? '', wide: true, shrinks: true },
    ],
    name: ({ id }) => id,
    whenEmpty: 'Nothing waits for an approval, or nothing that you may see.',
  });
  const [first] = items;
  if (first === undefined || flags.json === true || flags.output === 'name') return;
  nextCommands(terminal, [['Look at one', `${commandName(invocation)} approvals show ${first.id}`]]);
}
