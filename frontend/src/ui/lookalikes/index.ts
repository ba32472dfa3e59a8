import type { RoomState } from '../../core/room';
import { session } from '../app';
import { route } from '../router';
import { skeleton } from './skeleton';

/** So much of an id is enough to tell a few people apart. */
const TAG_LENGTH = 4;

/** Who is to be told apart in the room that is shown, until the next task. */
let alike: ReadonlySet<string> | null = null;

/**
 * Of somebody who can be taken for another one in the same room by their name: what tells them
 * apart, which nobody can choose.
 */
export function tagOf(userId: string): string {
  if (!alike) {
    alike = alikeIn(shown());
    queueMicrotask(() => (alike = null));
  }
  return alike.has(userId) ? ` #${userId.replace(/[-_]/g, '').slice(0, TAG_LENGTH)}` : '';
}

function shown(): RoomState | undefined {
  const where = route.peek();
  return where.page === 'room' ? session().rooms.get(where.roomId) : undefined;
}

/** The people of a room, as far as they are known here, who share how their name looks. */
function alikeIn(room: RoomState | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  if (!room) return found;
  const people = new Set(room.members.byId.keys());
  for (const { user_id } of room.log.entries) people.add(user_id);
  const bySkeleton = new Map<string, string>();
  for (const userId of people) {
    const name = session().called(userId, room.id);
    if (name === undefined) continue;
    const seen = skeleton(name);
    const other = bySkeleton.get(seen);
    if (other === undefined) bySkeleton.set(seen, userId);
    else found.add(other).add(userId);
  }
  return found;
}
