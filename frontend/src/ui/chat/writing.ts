import type { Mark } from '../../core/drafts';
import { MENTION_PATTERN } from '../../protocol';

const TOKEN = new RegExp(MENTION_PATTERN, 'g');

/** What stands in the composer: names for people to read, and whom they mean. */
export interface Written {
  text: string;
  /** In the order in which they stand; they do not overlap. */
  marks: readonly Mark[];
}

export const NOTHING: Written = { text: '', marks: [] };

/**
 * What is written after a change of the text, which ended at `caret`: marks move along with what
 * is before them, and one that was touched means nobody any more.
 */
export function typed({ text: old, marks }: Written, text: string, caret = text.length): Written {
  if (!marks.length) return { text, marks };
  const least = Math.min(old.length, text.length);
  let after = 0;
  while (after < Math.min(least, text.length - caret) && old.at(-1 - after) === text.at(-1 - after)) {
    after++;
  }
  let before = 0;
  while (before < least - after && old[before] === text[before]) before++;
  const moved = text.length - old.length;
  return {
    text,
    marks: marks.flatMap((mark) => {
      if (mark.at + mark.length <= before) return [mark];
      return mark.at >= old.length - after ? [{ ...mark, at: mark.at + moved }] : [];
    }),
  };
}

/** As it is sent: with tokens for people. */
export function encoded({ text, marks }: Written): string {
  let sent = '';
  let end = 0;
  for (const { at, length, userId } of marks) {
    sent += `${text.slice(end, at)}<@${userId}>`;
    end = at + length;
  }
  return sent + text.slice(end);
}

/** As it is written: with names; of whom nobody knows the name, the token stays. */
export function decoded(sent: string, called: (userId: string) => string | undefined): Written {
  const marks: Mark[] = [];
  let text = '';
  let end = 0;
  for (const { 0: token, 1: userId = '', index } of sent.matchAll(TOKEN)) {
    const name = called(userId);
    if (name === undefined) continue;
    text += sent.slice(end, index);
    marks.push({ at: text.length, length: name.length + 1, userId });
    text += `@${name}`;
    end = index + token.length;
  }
  return { text: text + sent.slice(end), marks };
}
