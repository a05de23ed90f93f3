import { allPages } from '../context/all-pages.ts';
import type { Invocation } from '../invocation.ts';
import { showList } from '../output/show-list.ts';
import { timeText } from '../output/time-text.ts';
import { sizeText } from '../units/size.ts';

/** Lists the backups of a server, newest first. */
export async function backupList(invocation: Invocation): Promise<void> {
  const { terminal, surroundings } = invocation;
  const client = await invocation.client();
  const items = await allPages((query) => client.call('backupList', { query }));
  showList(invocation, items, {
    columns: [
      { title: 'BACKUP', value: ({ name }) => name },
      {
        title: 'MADE',
        value: ({ madeAt }) => timeText(madeAt, { relative: terminal.isRead, nowMs: surroundings.now() }),
      },
      { title: 'VERSION', value: ({ version }) => version },
      { title: 'DATABASE', value: ({ database, databaseBytes }) => `${database} ${sizeText(databaseBytes)}` },
      { title: 'FILES', value: ({ objects }) => `${objects.count}, ${sizeText(objects.bytes)}` },
      { title: 'ENTRIES', value: ({ ledger }) => String(ledger.size), align: 'right' },
      { title: 'FOLDER', value: ({ path }) => path, wide: true },
      { title: 'ROOT', value: ({ ledger }) => ledger.root, wide: true },
    ],
    name: ({ name }) => name,
    whenEmpty: 'No backups yet. Make the first:  muster backup create',
  });
}
