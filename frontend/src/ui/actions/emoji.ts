import { store } from '../browser';
import url from './emoji.json?url';

/** An emoji, whether it has skin tones, and its name and search words in Korean and English. */
type Row = [emoji: string, takesTone: 0 | 1, ko: string, en: string];

export interface Emoji {
  emoji: string;
  takesTone: boolean;
  ko: string;
  en: string;
  /** All of its words, in a form that can be compared. */
  searched: string;
}

/** The letters of a syllable apart, so that one that is being composed is found, too. */
export function searchForm(text: string): string {
  return text.toLowerCase().normalize('NFD');
}

let loading: Promise<Emoji[][]> | null = null;

/** All emoji by group; a failure is forgotten, and the next call tries again. */
export function loadEmoji(): Promise<Emoji[][]> {
  loading ??= (async () => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return parse((await response.json()) as Row[][]);
  })();
  loading.catch(() => (loading = null));
  return loading;
}

export function parse(groups: Row[][]): Emoji[][] {
  return groups.map((group) =>
    group.map(([emoji, takesTone, ko, en]) => ({
      emoji,
      takesTone: takesTone === 1,
      ko: nameIn(ko),
      en: nameIn(en),
      searched: searchForm(`${ko}|${en}`),
    })),
  );
}

function nameIn(words: string): string {
  return words.split('|', 1)[0] ?? '';
}

/** What has all the words of a query; those whose own name or word it begins come first. */
export function search(groups: readonly Emoji[][], query: string): Emoji[] {
  const wanted = searchForm(query).split(/\s+/).filter(Boolean);
  if (!wanted.length) return [];
  const found = groups.flat().filter((each) => wanted.every((word) => each.searched.includes(word)));
  const begins = (each: Emoji) => `|${each.searched}`.includes(`|${wanted.join(' ')}`);
  return [...found.filter(begins), ...found.filter((each) => !begins(each))];
}

/** With a skin tone from 1 to 5; 0 is the yellow one. */
export function withTone({ emoji, takesTone }: Emoji, tone: number): string {
  if (!takesTone || !tone) return emoji;
  const [first = '', ...rest] = emoji;
  if (rest[0] === '\ufe0f') rest.shift();
  return `${first}${String.fromCodePoint(0x1f3fa + tone)}${rest.join('')}`;
}

const RECENT = 'ping-pong.emoji.recent.';
const TONE = 'ping-pong.emoji.tone.';
const RECENT_MAX = 16;

/** What somebody chose last, newest first. */
export function recent(userId: string): string[] {
  return (store.get(RECENT + userId) ?? '').split(' ').filter(Boolean).slice(0, RECENT_MAX);
}

export function remember(userId: string, emoji: string): void {
  const others = recent(userId).filter((each) => each !== emoji);
  store.set(RECENT + userId, [emoji, ...others].slice(0, RECENT_MAX).join(' '));
}

export function tone(userId: string): number {
  const stored = Number(store.get(TONE + userId));
  return stored >= 1 && stored <= 5 ? Math.floor(stored) : 0;
}

export function setTone(userId: string, next: number): void {
  store.set(TONE + userId, String(next));
}
