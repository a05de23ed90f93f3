import { isIP } from 'node:net';
import { getSystemErrorName } from 'node:util';
import { type SMTPTransportOptions, createTransport } from 'nodemailer';
import type { Channel, Sender } from './channel.ts';
import type { Sent } from './delivery.ts';
import { reasonOf } from './post.ts';

/** A mail server, and who gets mail by it. */
export interface MailOptions {
  readonly host: string;
  readonly port: number;
  /** Whether it begins with TLS; else STARTTLS is required, but on this machine. */
  readonly secure: boolean;
  readonly login: { readonly user: string; readonly pass: string } | undefined;
  readonly from: string;
  readonly to: readonly string[];
}

/**
 * Mail over SMTP, a connection each. Beyond this machine nothing is sent without TLS and a certificate that is believed;
 * on it, a mail server has none as a rule, and TLS is left out. The Message-ID is the same at every attempt.
 */
export function createMail({
  name,
  events,
  host,
  port,
  secure,
  login,
  from,
  to,
  sender,
}: Pick<Channel, 'name' | 'events'> & MailOptions & { readonly sender: Sender }): Channel {
  const isHere = isThisMachine(host);
  const options: SMTPTransportOptions = {
    host,
    port,
    secure,
    requireTLS: !secure && !isHere,
    ignoreTLS: !secure && isHere,
    ...(login === undefined ? {} : { auth: login }),
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 10_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  const transport = createTransport(options);
  return {
    name,
    events,
    async send({ id, event, title, text, at }, { signal }): Promise<Sent> {
      try {
        const { rejected } = await transport.sendMail({
          from,
          to: [...to],
          subject: `[muster ${sender.environment}] ${title}`,
          text,
          date: new Date(at),
          messageId: `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`,
          // RFC 3834: nobody's holiday notice answers it.
          headers: { 'Auto-Submitted': 'auto-generated', 'X-Muster-Event': event },
          signal,
        });
        if (rejected.length === 0) return { ok: true };
        return { ok: true, problem: `the mail server refused ${rejected.length} of ${to.length} addresses` };
      } catch (error) {
        signal.throwIfAborted();
        return { ok: false, problem: problemOf(error) };
      }
    },
  };
}

/** The codes only: the words of a mail server name addresses. */
function problemOf(error: unknown): string {
  const status = error instanceof Error && 'responseCode' in error ? Number(error.responseCode) : Number.NaN;
  const reason = systemCodeOf(error) ?? reasonOf(error);
  return Number.isInteger(status)
    ? `the mail server answered ${status} (${reason})`
    : `the mail server could not be used: ${reason}`;
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** Of a socket that failed, what the system said; nodemailer calls all of those `ESOCKET`. */
function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return undefined;
  return error.errno < 0 ? getSystemErrorName(error.errno) : undefined;
}
