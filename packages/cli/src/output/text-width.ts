import { stripVTControlCharacters } from 'node:util';

// oxlint-disable-next-line no-control-regex -- control characters are what is removed
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/gu;
const wide =
  /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
const segments = new Intl.Segmenter();

/**
 * Text of somebody else, made safe to show: no escape sequences, control or direction characters. Names and messages
 * may come from a model file or another user, and a terminal obeys what it is sent.
 */
export function safeText(text: string): string {
  return stripVTControlCharacters(text).replaceAll('\t', ' ').replaceAll('\r\n', '\n').replace(control, '');
}

/** Columns that the text takes on a terminal; colours take none, East Asian characters and emoji two. */
export function textWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  // oxlint-disable-next-line no-control-regex -- the plain case, which is nearly all text
  if (/^[\u0000-\u02ff]*$/.test(bare)) return bare.length;
  let width = 0;
  for (const { segment } of segments.segment(bare)) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** The text in at most `width` columns, its end replaced by `ellipsis` where it is longer. Takes no colours. */
export function fitText(text: string, width: number, ellipsis: string): string {
  if (textWidth(text) <= width) return text;
  const room = Math.max(0, width - textWidth(ellipsis));
  let fitted = '';
  let used = 0;
  for (const { segment } of segments.segment(text)) {
    used += textWidth(segment);
    if (used > room) break;
    fitted += segment;
  }
  return fitted + (width >= textWidth(ellipsis) ? ellipsis : '');
}
