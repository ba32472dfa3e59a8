import { MENTION_PATTERN } from '../protocol';
import { session } from './app';
import { linkify, type Piece } from './links';
import { nameOf } from './parts';

const TOKEN = new RegExp(MENTION_PATTERN, 'g');
/** What may be the id of somebody who has withdrawn; anything else is what somebody typed. */
const ID = /^[\w-]{16}$/;

/** Somebody who is meant: `@` and what they are called now. */
export interface Mention {
  userId: string;
  text: string;
}

/** `@` and a name; undefined where nobody can be meant. */
function mentionOf(userId: string, roomId?: string): string | undefined {
  const isPerson = session().called(userId, roomId) || ID.test(userId);
  return isPerson ? `@${nameOf(userId, roomId)}` : undefined;
}

/** A chat's words in pieces: plain, links, and people. */
export function piecesOf(text: string): (Piece | Mention)[] {
  const pieces: (Piece | Mention)[] = [];
  let end = 0;
  for (const { 0: token, 1: userId = '', index } of text.matchAll(TOKEN)) {
    const name = mentionOf(userId);
    if (!name) continue;
    pieces.push(...linkify(text.slice(end, index)), { userId, text: name });
    end = index + token.length;
  }
  return [...pieces, ...linkify(text.slice(end))];
}

/** A chat's words as people read them: in the room that is shown, unless another is meant. */
export function plainText(text: string, roomId?: string): string {
  return text.replace(TOKEN, (token, userId: string) => mentionOf(userId, roomId) ?? token);
}
