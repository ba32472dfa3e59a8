import { ROOM_WORD_LENGTH_MAX, ROOM_WORD_LENGTH_MIN, ROOM_WORDS_MAX } from '../../protocol';
import { lengthOf } from '../rows';

/** Why something can't be a filter word. */
export type Problem = 'short' | 'long' | 'letters' | 'twice' | 'full';

export interface Refused {
  word: string;
  problem: Problem;
}

export interface Added {
  words: readonly string[];
  refused: readonly Refused[];
}

/** What was written between commas and lines. */
export function split(text: string): string[] {
  return text
    .split(/[,،、，\n]/)
    .map((word) => word.trim().normalize('NFC'))
    .filter(Boolean);
}

/** The words with those that were written, and why some of these can't be. */
export function add(words: readonly string[], text: string): Added {
  const all = [...words];
  const refused: Refused[] = [];
  for (const word of split(text)) {
    const problem = problemOf(word, all);
    if (problem) refused.push({ word, problem });
    else all.push(word);
  }
  return { words: all, refused };
}

/** As the server will say it; that finds more words that are written differently only. */
function problemOf(word: string, words: readonly string[]): Problem | undefined {
  if (!/^\p{L}+$/u.test(word)) return 'letters';
  if (lengthOf(word) < ROOM_WORD_LENGTH_MIN) return 'short';
  if (lengthOf(word) > ROOM_WORD_LENGTH_MAX) return 'long';
  if (words.some((known) => known.toLowerCase() === word.toLowerCase())) return 'twice';
  return words.length >= ROOM_WORDS_MAX ? 'full' : undefined;
}
