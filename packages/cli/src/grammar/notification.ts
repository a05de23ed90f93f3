import type { Command } from 'commander';
import type { NotificationListFlags } from '../commands/notification-list.ts';
import { type Does, withExamples } from './does.ts';

/** `muster notification …` */
export function addNotificationCommands(program: Command, does: Does): void {
  const notification = program
    .command('notification')
    .summary('what people were told, and whether the channels work')
    .description(
      'Notifications: what Muster tells people by itself over webhooks, chat and mail, such as that an endpoint lost its standing.',
    );

  const list = notification
    .command('list')
    .description('List what was told, and how far each channel is, newest first.')
    .option('--team <TEAM>', 'of this team only')
    .option('--event <EVENT>', 'this only, such as standing.lapsed')
    .option('--limit <N>', 'how many (default: 50)');
  does<[], NotificationListFlags>(
    list,
    async (invocation, _operands, flags) =>
      await (await import('../commands/notification-list.ts')).notificationList(invocation, flags),
  );
  withExamples(list, 'muster notification list', 'muster notification list --event standing.lapsed -o wide');

  const test = notification
    .command('test')
    .description(
      'Send a test through every channel, and say how the first attempt of each ended. The exit code is 0 where all have it.',
    );
  does<[]>(
    test,
    async (invocation) => await (await import('../commands/notification-test.ts')).notificationTest(invocation),
  );
  withExamples(test, 'muster notification test');
}
