import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificates } from '../../test-support/certificates.ts';
import { type HttpReceiver, startHttpReceiver } from '../../test-support/http-receiver.ts';
import type { Channel } from './channel.ts';
import type { Sent } from './delivery.ts';
import { createMail } from './mail.ts';
import type { NotificationRecord } from './notification.ts';
import { createSlack } from './slack.ts';
import { createWebhook } from './webhook.ts';

const sender = { environment: 'prod', userAgent: 'muster/test' };
const notification: NotificationRecord = {
  id: '0199-n1',
  event: 'standing.lapsed',
  team: 'risk',
  endpoint: 'fraud',
  title: 'fraud lapsed',
  text: 'Nobody owns it <any more> & it is late.\nmuster check fraud',
  at: Date.UTC(2026, 10, 1),
};
const send = async (channel: Channel, signal = AbortSignal.timeout(10_000)): Promise<Sent> =>
  await channel.send(notification, { at: Date.now(), signal });

describe('over HTTP', () => {
  let receiver: HttpReceiver;
  beforeEach(async () => {
    receiver = await startHttpReceiver();
  });
  afterEach(async () => await receiver.close());

  const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);
  const webhook = (url = `${receiver.url}/hook?key=hidden`): Channel =>
    createWebhook({ name: 'webhook:test', events: undefined, url, secrets, sender });

  it('a webhook is signed as Standard Webhooks say, with each of its secrets', async () => {
    expect(await send(webhook())).toEqual({ ok: true });
    const [got] = receiver.received;
    for (const secret of secrets)
      expect(new Webhook(secret).verify(got?.body ?? '', got?.headers as Record<string, string>)).toEqual({
        type: 'standing.lapsed',
        timestamp: '2026-11-01T00:00:00.000Z',
        data: {
          id: '0199-n1',
          environment: 'prod',
          team: 'risk',
          endpoint: 'fraud',
          title: 'fraud lapsed',
          text: notification.text,
        },
      });
    const other = new Webhook(`whsec_${Buffer.alloc(32, 3).toString('base64')}`);
    expect(() => other.verify(got?.body ?? '', got?.headers as Record<string, string>)).toThrow(/signature/);
    expect(got?.headers).toMatchObject({ 'webhook-id': '0199-n1', 'content-type': 'application/json' });
  });

  it('a redirect is not followed, and what it says is passed on', async () => {
    receiver.answer = (response, { path }) =>
      void (path === '/other' ? response.writeHead(204) : response.writeHead(307, { location: '/other' })).end();
    expect(await send(webhook())).toEqual({
      ok: false,
      problem: 'it answered 307, and redirects are not followed: name the new address',
    });
    expect(receiver.received).toHaveLength(1);
  });

  it('410 is the last word, and other refusals are not', async () => {
    receiver.answer = (response) => void response.writeHead(410).end();
    expect(await send(webhook())).toMatchObject({ ok: false, final: true });
    receiver.answer = (response) => void response.writeHead(503).end('hidden');
    expect(await send(webhook())).toEqual({ ok: false, problem: 'it answered 503' });
  });

  it('an answer without an end is not waited for', async () => {
    let isClosed: () => void = () => {};
    const closed = new Promise<void>((resolve) => (isClosed = resolve));
    receiver.answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
      };
      response.writeHead(200).on('drain', more).on('close', isClosed);
      more();
    };
    expect(await send(webhook())).toEqual({ ok: true });
    await closed;
  });

  it('what cannot be reached is told without its address', async () => {
    const sent = await send(webhook('http://127.0.0.1:9/hook?key=hidden'));
    expect(sent).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^it could not be reached: \w+/) as string,
    });
    expect(sent.problem).not.toContain('hidden');
  });

  it('what takes too long is ended', async () => {
    receiver.answer = () => {};
    await expect(send(webhook(), AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  });

  it('a chat gets a text in which nobody can call everybody', async () => {
    const chat = createSlack({ name: 'slack:1', events: undefined, url: `${receiver.url}/services/x`, sender });
    expect(await send(chat)).toEqual({ ok: true });
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual({
      text: '*fraud lapsed* (prod)\nNobody owns it &lt;any more&gt; &amp; it is late.\nmuster check fraud',
    });
  });
});

describe('by mail', () => {
  const servers: SMTPServer[] = [];
  const mails: string[] = [];
  const envelopes: string[][] = [];
  afterEach(async () => {
    mails.length = 0;
    envelopes.length = 0;
    for (const server of servers.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
  });

  async function listen(options: SMTPServerOptions): Promise<number> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      closeTimeout: 100,
      onData(stream, session, done) {
        let text = '';
        stream.on('data', (part: Buffer) => (text += part.toString()));
        stream.on('end', () => {
          mails.push(text);
          envelopes.push(session.envelope.rcptTo.map(({ address }) => address));
          done();
        });
      },
      ...options,
    });
    servers.push(server);
    server.on('error', () => {});
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return (server.server.address() as AddressInfo).port;
  }
  const mail = (port: number, more: Partial<Parameters<typeof createMail>[0]> = {}): Channel =>
    createMail({
      name: 'mail',
      events: undefined,
      host: '127.0.0.1',
      port,
      secure: false,
      login: undefined,
      from: 'muster@example.org',
      to: ['ops@example.org', 'ana@example.org'],
      sender,
      ...more,
    });

  it('arrives, with the same id at every attempt, and asks for no answer', async () => {
    const channel = mail(await listen({}));
    expect([await send(channel), await send(channel)]).toEqual([{ ok: true }, { ok: true }]);
    expect(envelopes[0]).toEqual(['ops@example.org', 'ana@example.org']);
    for (const text of mails) {
      expect(text).toMatch(/^Subject: \[muster prod\] fraud lapsed\r$/m);
      expect(text).toMatch(/^Message-ID: <0199-n1@example.org>\r$/m);
      expect(text).toMatch(/^Auto-Submitted: auto-generated\r$/m);
      expect(text).toContain('Nobody owns it <any more> & it is late.\r\nmuster check fraud');
    }
  });

  it('signs in where it is told to', async () => {
    const port = await listen({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        username === 'muster' && password === 'right' ? done(null, { user: username }) : done(new Error('wrong')),
    });
    expect(await send(mail(port, { login: { user: 'muster', pass: 'right' } }))).toEqual({ ok: true });
    expect(await send(mail(port, { login: { user: 'muster', pass: 'hidden' } }))).toEqual({
      ok: false,
      problem: 'the mail server answered 535 (EAUTH)',
    });
  });

  it('that some get and others do not is delivered, with the problem; that nobody gets is not', async () => {
    const refused = new Set(['ana@example.org']);
    const channel = mail(
      await listen({
        onRcptTo: ({ address }, _session, done) => done(refused.has(address) ? new Error(`no ${address} here`) : null),
      }),
    );
    expect(await send(channel)).toEqual({ ok: true, problem: 'the mail server refused 1 of 2 addresses' });
    refused.add('ops@example.org');
    expect(await send(channel)).toEqual({ ok: false, problem: 'the mail server answered 550 (EENVELOPE)' });
  });

  it('is not sent over TLS that cannot be believed', async () => {
    const port = await listen({ secure: true, ...certificates.first });
    expect(await send(mail(port, { secure: true }))).toMatchObject({ ok: false });
    expect(mails).toEqual([]);
  });

  it('beyond this machine is not sent without STARTTLS', async () => {
    // Another machine, as far as the name tells.
    const port = await listen({});
    const sent = await send(mail(port, { host: '2130706433' }));
    expect(sent).toMatchObject({ ok: false, problem: expect.stringContaining('ETLS') as string });
    expect(mails).toEqual([]);
  });

  it('that cannot be sent says what the system said', async () => {
    expect(await send(mail(9))).toEqual({ ok: false, problem: 'the mail server could not be used: ECONNREFUSED' });
  });

  it('that takes too long is ended', async () => {
    const port = await listen({ onConnect: () => {} });
    await expect(send(mail(port), AbortSignal.timeout(100))).rejects.toThrow(/timeout/);
  });
});
