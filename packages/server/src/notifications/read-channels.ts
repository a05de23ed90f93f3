import { readFileSync } from 'node:fs';
import { MusterError, type NotificationEvent, receiverUrlSchema } from '@muster-ml/protocol';
import type { Channel, Sender } from './channel.ts';
import { type MailOptions, createMail } from './mail.ts';
import { createSlack } from './slack.ts';
import { createWebhook } from './webhook.ts';

type Events = readonly NotificationEvent[] | undefined;

/** The channels as the configuration names them: secrets are in files. */
export interface ChannelSettings {
  readonly webhooks: readonly { readonly url: string; readonly secretFile: string; readonly events?: Events }[];
  readonly slack: readonly { readonly urlFile: string; readonly events?: Events }[];
  readonly mail?:
    | (Omit<MailOptions, 'login'> & {
        readonly username?: string | undefined;
        readonly passwordFile?: string | undefined;
        readonly events?: Events;
      })
    | undefined;
}

/**
 * The channels of this installation, with what is in their files now. Throws `invalid_configuration` where one is not there
 * or holds something else.
 */
export function readChannels({ webhooks, slack, mail }: ChannelSettings, sender: Sender): readonly Channel[] {
  const hosts = webhooks.map(({ url }) => new URL(url).host);
  return [
    ...webhooks.map(({ url, secretFile, events }, index) => {
      const host = hosts[index] ?? '';
      const earlier = hosts.slice(0, index).filter((other) => other === host).length;
      return createWebhook({
        // The path may be a secret by itself.
        name: `webhook:${host}${earlier === 0 ? '' : `#${earlier + 1}`}`,
        events,
        url,
        secrets: readSecrets(secretFile, `notifications.webhooks[${index}].secretFile`),
        sender,
      });
    }),
    ...slack.map(({ urlFile, events }, index) =>
      createSlack({
        name: `slack:${index + 1}`,
        events,
        url: readAddress(urlFile, `notifications.slack[${index}].urlFile`),
        sender,
      }),
    ),
    ...(mail === undefined
      ? []
      : [createMail({ ...mail, name: 'mail', events: mail.events, login: loginOf(mail), sender })]),
  ];
}

const maxSecrets = 5;
const [minSecretBytes, maxSecretBytes] = [24, 64];

/** The secrets of a webhook, one a line. */
function readSecrets(file: string, place: string): readonly string[] {
  const secrets = read(file, place)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (secrets.length > 0 && secrets.length <= maxSecrets && secrets.every(isSecret)) return secrets;
  throw wrong(
    place,
    `${file} holds no secret for signing: whsec_ and the base64 of ${minSecretBytes} to ${maxSecretBytes} bytes, in one line, or in at most ${maxSecrets} while it is changed`,
    'Write one, and give it to the receiver: echo "whsec_$(openssl rand -base64 32)"',
  );
}

function isSecret(text: string): boolean {
  const [, encoded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length >= minSecretBytes && bytes.length <= maxSecretBytes && bytes.toString('base64') === encoded;
}

function readAddress(file: string, place: string): string {
  const url = receiverUrlSchema.safeParse(read(file, place));
  if (url.success) return url.data;
  throw wrong(
    place,
    `${file} holds no address that may be used: it ${url.error.issues.map(({ message }) => message).join(', and ')}`,
    'Write into it the address of the incoming webhook that the chat shows, and nothing else.',
  );
}

function loginOf({ username, passwordFile }: NonNullable<ChannelSettings['mail']>): MailOptions['login'] {
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined)
    throw wrong(
      username === undefined ? 'notifications.mail.username' : 'notifications.mail.passwordFile',
      'the mail server is given a user without a password, or a password without a user',
      'Set both username and passwordFile, or neither.',
    );
  const pass = read(passwordFile, 'notifications.mail.passwordFile');
  if (pass !== '') return { user: username, pass };
  throw wrong('notifications.mail.passwordFile', `${passwordFile} is empty`, 'Write the password into it.');
}

const maxFileLength = 10_000;

/** Throws `invalid_configuration`. */
function read(file: string, place: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown cause';
    throw wrong(place, `${file} cannot be read (${code})`, 'Check the path and its permissions.');
  }
  if (text.length <= maxFileLength) return text.trim();
  throw wrong(place, `${file} is too long for what it should hold`, 'Check the path.');
}

function wrong(place: string, message: string, remedy: string): MusterError {
  return new MusterError('invalid_configuration', message, { place, remedy });
}
