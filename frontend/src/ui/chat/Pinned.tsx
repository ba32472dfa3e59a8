import { useEffect } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { watch } from '../app';
import { rules } from '../chunks';

/** The chat at the top, in rooms that have one; it lies over the log, so nothing moves. */
export function Pinned({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const isPinned = room.ruled.pinned ?? room.notices.some(({ kind }) => kind === 'pinned');
  useEffect(() => {
    if (isPinned) rules.load();
  }, [isPinned]);
  const { module } = rules;
  return isPinned && module ? <module.PinBar room={room} /> : null;
}
