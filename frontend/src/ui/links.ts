/** What a chat's words are made of: plain text, and addresses that may be followed. */
export type Piece = { text: string; href?: undefined } | { text: string; href: string };

/** What may stand in an address: no blanks, quotes, or signs that draw nothing or turn lines. */
const PART = String.raw`[^\s<>"'\x60\\\p{C}\p{Z}「」『』《》〈〉【】“”‘’]`;
const CANDIDATE = new RegExp(String.raw`(?<![\p{L}\p{N}@.\/_-])(?:https?:\/\/|www\.)${PART}+`, 'giu');
/** A name or number of a host; words in Hangul that follow "….com" are not its last label. */
const HOST = /^(?:[^/?#:]*(?:\.[a-z][a-z-]+|\.\d+|:\d+)(?=\p{Script=Hangul})|[^/?#]*)/iu;
/** Nothing but a host and a port: no user, whose name could look like a host. */
const AUTHORITY = /^[^@%:[\]]+(?::\d{1,5})?$/;
/** Hangul straight after Latin letters is what is said about an address; after `/` it is in it. */
const WORDS_AFTER = /(?<=[\w)\]])\p{Script=Hangul}/u;
const TRAILING = /[.,:;!?…。、，！？~*_·'"]/;
const CLOSING: Record<string, string> = { '(': ')', '[': ']', '{': '}' };
/** Hangul is like nothing else; in other scripts, a host may look like another one's. */
const HANGUL_LABEL = /^[a-z0-9-]*[가-힣][가-힣a-z0-9-]*$/;

/** A text in pieces; joined, their texts are the text, but for hosts shown as they really are. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  if (/:\/\/|www\./i.test(text)) {
    for (const match of text.matchAll(CANDIDATE)) {
      const written = withoutWordsAfter(match[0]);
      const link = linkOf(written);
      if (!link) continue;
      if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
      pieces.push(link);
      end = match.index + written.length;
    }
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/** Cut off what belongs to the sentence: particles, full stops, a bracket around the address. */
function withoutWordsAfter(written: string): string {
  const start = written.indexOf('://') < 0 ? 0 : written.indexOf('://') + 3;
  const host = HOST.exec(written.slice(start))?.[0] ?? '';
  let rest = written.slice(start + host.length);
  if (!/^[/?#]/.test(rest)) rest = '';
  let url = written.slice(0, start) + host;
  for (const segment of rest.split(/(?=[/?#&=])/)) {
    const words = WORDS_AFTER.exec(segment);
    const isMixed = words && /\p{Script=Hangul}/u.test(segment.slice(0, words.index));
    url += words && !isMixed ? segment.slice(0, words.index) : segment;
    if (words && !isMixed) break;
  }
  return withoutEnd(url);
}

/** Each sign is looked at once: others write this text, and it must not hold up who reads it. */
function withoutEnd(url: string): string {
  const surplus: Record<string, number> = { ')': 0, ']': 0, '}': 0 };
  for (const sign of url) {
    const closing = CLOSING[sign] ?? sign;
    if (closing in surplus) surplus[closing]! += closing === sign ? 1 : -1;
  }
  for (let end = url.length; ; end--) {
    const last = url.charAt(end - 1);
    const isOver = last in surplus ? surplus[last]!-- <= 0 : !TRAILING.test(last);
    if (isOver) return url.slice(0, end);
  }
}

function linkOf(written: string): Piece | null {
  const hasScheme = /^https?:/i.test(written);
  let url: URL;
  try {
    url = new URL(hasScheme ? written : `https://${written}`);
  } catch {
    return null;
  }
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const start = hasScheme ? written.indexOf('/') + 2 : 0;
  const authority = /^[^/?#]*/.exec(written.slice(start))?.[0] ?? '';
  // "https://bank.example@evil.example" is one of evil.example's.
  if (!isWeb || !AUTHORITY.test(authority) || !/[^.]\.[^.]/.test(url.hostname)) return null;
  const isReal = isReadable(authority.replace(/:\d+$/, '').toLowerCase(), url.hostname);
  // As it was written, but with the host that it leads to.
  const after = written.slice(start + authority.length);
  const shown = isReal ? written : written.slice(0, start) + url.host + after;
  return { text: shown, href: url.href };
}

/** Whether a host as written can't be taken for another one. */
function isReadable(host: string, real: string): boolean {
  if (host === real) return true;
  const labels = host.split('.');
  return (
    labels.some((label) => HANGUL_LABEL.test(label)) &&
    labels.every((label) => /^[a-z0-9-]*$/.test(label) || HANGUL_LABEL.test(label))
  );
}

/** More of them than this are text again. */
const LARGE_MAX = 6;
const PICTURE = String.raw`(?:(?!\p{RI})\p{Emoji_Presentation}|\p{Extended_Pictographic}(?=[\ufe0f\u{1f3fb}-\u{1f3ff}]))[\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]*`;
const EMOJI = new RegExp(
  String.raw`(?:\p{RI}\p{RI}|[0-9#*]\ufe0f?\u20e3|${PICTURE}(?:\u200d(?:${PICTURE}|\p{Extended_Pictographic}))*)\s*`,
  'yu',
);

/** Whether a chat is nothing but a few emoji, which are drawn larger then. */
export function isEmojiOnly(text: string): boolean {
  EMOJI.lastIndex = 0;
  let count = 0;
  while (EMOJI.lastIndex < text.length) {
    if (!EMOJI.test(text) || ++count > LARGE_MAX) return false;
  }
  return count > 0;
}
