import { session } from '../app';
import { matches } from '../hangul';

/** More than these nobody reads. */
const SHOWN_MAX = 6;
/** Who has spoken of late is meant more often. */
const LATELY = 200;

/** A name that is being written after an `@`, which stands at `from`. */
export interface Query {
  from: number;
  text: string;
}

/** What is being written at the caret, if that is a name. */
export function queryAt(text: string, caret: number, end = caret): Query | null {
  if (caret !== end) return null;
  // `@` at the beginning or after a space; one in an address is none.
  const [, name] = /(?:^|\s)@([^\s@]{0,20})$/u.exec(text.slice(Math.max(0, caret - 40), caret)) ?? [];
  return name === undefined ? null : { from: caret - name.length - 1, text: name };
}

/** Somebody who may be meant. */
export interface Candidate {
  userId: string;
  name: string;
  /** Tells people of one name apart; '' where it is not needed. */
  tag: string;
}

/** Members who may be meant by what is written of a name, the likeliest first. */
export function candidates(roomId: string, query: string): Candidate[] {
  const here = session();
  const room = here.rooms.get(roomId);
  if (!room) return [];
  const lately = new Map<string, number>();
  for (const { user_id: userId, seq } of room.log.entries.slice(-LATELY)) lately.set(userId, seq);
  const ids = new Set(room.members.byId.keys());
  // In a large room not everybody is held: then whoever was heard of.
  if (!room.members.complete) for (const userId of lately.keys()) ids.add(userId);
  ids.delete(here.me?.user_id ?? '');

  const all = [...ids].flatMap((userId) => {
    const name = here.called(userId, roomId);
    return name && !here.blocks.has(userId) ? [{ userId, name, tag: '' }] : [];
  });
  const wanted = query.toLowerCase();
  const rank = ({ userId, name }: Candidate) => {
    const isBeginning = name.toLowerCase().startsWith(wanted) || matches(query, name.slice(0, query.length + 1));
    return (isBeginning ? 1e12 : 0) + (lately.get(userId) ?? 0);
  };
  return all
    .filter(({ name }) => matches(query, name) || wanted.startsWith(name.toLowerCase()))
    .map((each) => ({ each, rank: rank(each) }))
    .sort((a, b) => b.rank - a.rank || a.each.name.localeCompare(b.each.name))
    .slice(0, SHOWN_MAX)
    .map(({ each }) => {
      const hasDouble = all.some(({ userId, name }) => name === each.name && userId !== each.userId);
      return hasDouble ? { ...each, tag: `#${each.userId.slice(-4)}` } : each;
    });
}
