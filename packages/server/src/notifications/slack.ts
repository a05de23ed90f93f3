import type { Channel, Sender } from './channel.ts';
import { postJson } from './post.ts';

/** An incoming webhook of Slack, or of what takes the same (Mattermost, Rocket.Chat, Discord with `/slack`). */
export function createSlack({
  name,
  events,
  url,
  sender,
}: Pick<Channel, 'name' | 'events'> & { readonly url: string; readonly sender: Sender }): Channel {
  return {
    name,
    events,
    async send({ title, text }, attempt) {
      const body = JSON.stringify({ text: `*${escaped(title)}* (${escaped(sender.environment)})\n${escaped(text)}` });
      return await postJson(url, { body, headers: { 'user-agent': sender.userAgent } }, attempt);
    },
  };
}

/** What Slack takes for a link or for a call of everybody in the room begins with these. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
