import { effect } from '@preact/signals';
import type { RoomState } from '../../core/room';
import { hasSession, hasSounds, isVisible, session, watch } from '../app';
import { route } from '../router';
import { mayPlay, play } from './player';

export { play };

/** Chats that come together are heard once. */
const PAUSE_MS = 1_000;

const locks = navigator.locks as LockManager | undefined;
const never = () => new Promise<never>(() => {});
const frontName = (roomId: string) => `ping-pong.front.${roomId}`;

/** The one tab of this browser that makes the sounds: the oldest of those that may. */
let isSpeaker = !locks;

const GESTURES = ['pointerup', 'keydown'] as const;

function volunteer(): void {
  if (!mayPlay()) return;
  for (const gesture of GESTURES) removeEventListener(gesture, volunteer);
  void locks?.request('ping-pong.speaker', () => {
    isSpeaker = true;
    return never();
  });
}
for (const gesture of GESTURES) addEventListener(gesture, volunteer);
volunteer();

/** The room that is in sight in this tab, told to the other tabs by a lock that it holds. */
let front: string | null = null;
let letGo: (() => void) | undefined;
effect(() => {
  const where = route.value;
  const next = isVisible.value && where.page === 'room' ? where.roomId : null;
  if (next === front) return;
  front = next;
  letGo?.();
  if (!next) return;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  void locks?.request(frontName(next), { mode: 'shared' }, () => held);
});

/** How much was unread in each room when it was looked at last, and whose rooms those are. */
let unread = new Map<string, number>();
let userId = '';

/** The rooms in which others have said something since, and which are to be heard. */
function news(): RoomState[] {
  const here = session();
  const before = unread;
  const me = here.me?.user_id ?? '';
  const rooms = [...here.rooms.values()];
  unread = new Map(rooms.map((room) => [room.id, room.unread]));
  if (me !== userId) {
    // What was there when one came is no news.
    userId = me;
    return [];
  }
  return rooms.filter((room) => {
    const isNew = room.unread > (before.get(room.id) ?? room.unread);
    return isNew && !room.muted && room.id !== front && room.preview?.user_id !== me;
  });
}

let playedAt = -Infinity;
let count = 0;

async function announce(rooms: RoomState[]): Promise<void> {
  if (!isSpeaker || !hasSounds.peek()) return;
  const { held = [] } = (await locks?.query()) ?? {};
  const seen = new Set(held.map((lock) => lock.name));
  if (rooms.every((room) => seen.has(frontName(room.id)))) return;
  if (performance.now() - playedAt < PAUSE_MS) return;
  playedAt = performance.now();
  play(count++ % 2 ? 'pong' : 'ping');
}

effect(() => {
  watch('rooms');
  const rooms = hasSession() ? news() : [];
  if (rooms.length) void announce(rooms);
});
