import type { RoomState } from '../../core/room';
import { Rules } from '../../core/rules';
import { session } from '../app';

/** How a room is ruled, as oneself sees it. */
export function rulesOf(room: RoomState): Rules {
  return new Rules(room, session().me?.user_id ?? '');
}
