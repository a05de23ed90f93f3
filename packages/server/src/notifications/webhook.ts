import { Webhook } from 'standardwebhooks';
import type { Channel, Sender } from './channel.ts';
import { postJson } from './post.ts';

/**
 * A receiver as Standard Webhooks describe them (https://www.standardwebhooks.com, version 1): `webhook-id` is the same at
 * every attempt, and the signature is over id, time and body. With several secrets it is signed with each, so that the
 * receiver can take a new one over without missing anything.
 */
export function createWebhook({
  name,
  events,
  url,
  secrets,
  sender,
}: Pick<Channel, 'name' | 'events'> & {
  readonly url: string;
  /** `whsec_` and base64, the newest first. */
  readonly secrets: readonly string[];
  readonly sender: Sender;
}): Channel {
  const signers = secrets.map((secret) => new Webhook(secret));
  return {
    name,
    events,
    async send({ id, event, team, endpoint, title, text, at }, attempt) {
      const body = JSON.stringify({
        type: event,
        timestamp: new Date(at).toISOString(),
        data: { id, environment: sender.environment, team, endpoint, title, text },
      });
      const time = new Date(attempt.at);
      const headers = {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(attempt.at / 1000)),
        'webhook-signature': signers.map((signer) => signer.sign(id, time, body)).join(' '),
        'user-agent': sender.userAgent,
      };
      return await postJson(url, { body, headers }, attempt);
    },
  };
}
