import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type NotificationTwin,
  startNotificationTwin,
  twinDelivery,
  twinNotification,
} from '../../test-support/notification-twin.ts';
import { type Ended, type Home, createHome } from '../../test-support/run-cli.ts';

let home: Home;
let twin: NotificationTwin;

beforeEach(async () => {
  home = createHome();
  twin = await startNotificationTwin();
});
afterEach(async () => {
  await twin.close();
  home[Symbol.dispose]();
});

async function muster(...words: string[]): Promise<Ended> {
  return await home.run(['notification', ...words], { env: { MUSTER_SERVER: twin.url, MUSTER_TOKEN: twin.token } });
}

const waiting = twinDelivery({ channel: 'slack:1', state: 'waiting', attempts: 0, deliveredAt: null });
const failing = { ...waiting, attempts: 3, problem: 'it answered 500' };

describe('muster notification list', () => {
  test('says what was told, and which channels do not have it', async () => {
    twin.notifications = [
      twinNotification({ deliveries: [twinDelivery(), failing] }),
      twinNotification({ event: 'test', team: null, title: 'a test', deliveries: [] }),
    ];
    const { code, stdout } = await muster('list');
    expect(code).toBe(0);
    const [title, first, second] = stdout.trim().split('\n');
    expect(title).toMatch(/^WHEN +EVENT +TEAM +TOLD +CHANNELS$/);
    expect(first).toMatch(/standing.lapsed +risk +fraud lapsed +1 delivered, slack:1 waiting \(3 tried\)$/);
    expect(second).toMatch(/test +- +a test +-$/);
    expect((await muster('list', '-o', 'wide')).stdout).toContain('slack:1: it answered 500');
  });

  test('passes its filters on, and says that there are more', async () => {
    twin.notifications = Array.from({ length: 5 }, (_, at) => twinNotification({ id: `n${at}` }));
    const { stdout, stderr } = await muster('list', '--team', 'risk', '--event', 'standing.lapsed', '--limit', '2');
    expect(stdout.trim().split('\n')).toHaveLength(3);
    expect(stderr).toContain('--limit 4');
    expect(twin.seen).toEqual([{ team: 'risk', event: 'standing.lapsed', limit: 3 }]);
    expect((await muster('list', '--json')).stdout).toContain('"id":"n4"');
  });

  test('of nothing says what could be done', async () => {
    expect((await muster('list')).stderr).toContain('notification test');
  });
});

describe('muster notification test', () => {
  const told = (...deliveries: ReturnType<typeof twinDelivery>[]) =>
    twinNotification({ event: 'test', team: null, endpoint: null, deliveries });

  test('waits until each channel has it', async () => {
    twin.test = [told(waiting), told(waiting), told({ ...twinDelivery(), channel: 'slack:1' })];
    const { code, stdout } = await muster('test');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/slack:1 +delivered\n$/)]);
  });

  test('ends with the problem of the first attempt, and fails', async () => {
    twin.test = [told(twinDelivery(), failing)];
    const { code, stdout } = await muster('test');
    expect([code, stdout]).toEqual([1, expect.stringMatching(/mail +delivered\n.*slack:1 +it answered 500\n$/)]);
    expect((await muster('test', '--json')).stdout).toContain('"problem":"it answered 500"');
  });

  test('where no channel is configured says how one is', async () => {
    twin.test = [told()];
    const { code, stderr } = await muster('test');
    expect([code, stderr]).toEqual([1, expect.stringContaining('notifications.webhooks')]);
  });
});
