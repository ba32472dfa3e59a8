import type { RoomState } from '../../core/room';
import { session } from '../app';
import { matches } from '../hangul';
import { nameOf } from '../parts';

/** Those of the rooms that may be meant: by their own name, or by that of somebody in them. */
export function found(rooms: RoomState[], query: string): RoomState[] {
  if (!query) return rooms;
  const me = session().me?.user_id;
  return rooms.filter((room) => {
    if (matches(query, room.name)) return true;
    const others = [...room.members.byId.keys()].filter((userId) => userId !== me);
    return others.some((userId) => matches(query, nameOf(userId, room.id)));
  });
}

/** Whether a room of that name is among these, as the server tells names apart. */
export function hasNamed(rooms: readonly RoomState[], name: string): boolean {
  const key = keyOf(name);
  return rooms.some((room) => keyOf(room.name) === key);
}

/** As `room_name_key` in chalicelib/texts.py, but for a few letters of other scripts. */
function keyOf(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFKC');
  return folded.replace(/\s+/g, ' ').replace(/[\u200c\u200d]/g, '').trim();
}
