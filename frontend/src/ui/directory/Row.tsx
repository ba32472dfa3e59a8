import type { ListedRoom } from '../../protocol';
import { shortTimeText } from '../../i18n';
import { session, ticks, watch } from '../app';
import { Avatar } from '../parts';
import { isolated } from '../rows';
import { directoryTexts } from './texts';

/** Whether nobody more can be in a room, as of when it was listed. */
export function isFull({ capacity = 0, member_count: count }: ListedRoom): boolean {
  return capacity > 0 && count >= capacity;
}

interface RowProps {
  room: ListedRoom;
  isCurrent: boolean;
  onOpen(room: ListedRoom): void;
}

/** A room of the directory: how many are in it, what it is about, when it was last talked in. */
export function Row({ room, isCurrent, onOpen }: RowProps) {
  watch('rooms');
  const t = directoryTexts.value;
  const isMine = session().rooms.has(room.room_id);
  const words = (
    <>
      <Avatar userId={room.room_id} name={room.name} />
      <span class="room-words">
        <span class="room-line">
          <span class="room-name">{isolated(room.name)}</span>
          <span class="room-count" aria-label={t.people(room.member_count)}>
            {room.capacity ? `${room.member_count}/${room.capacity}` : room.member_count}
          </span>
          {isMine && <span class="browse-mine">{t.joined}</span>}
          {!isMine && isFull(room) && <span class="browse-mine">{t.full}</span>}
          {!isMine && room.access === 'passcode' && <span class="browse-mine">{t.code}</span>}
          <Talked room={room} />
        </span>
        <span class="room-line browse-about">
          <About room={room} />
        </span>
      </span>
    </>
  );
  const common = {
    class: 'room-item browse-item',
    'data-testid': 'browse-room',
    'data-room-id': room.room_id,
  };
  return (
    <li>
      {isMine ? (
        <a {...common} href={`/rooms/${room.room_id}`} aria-current={isCurrent ? 'page' : undefined}>
          {words}
        </a>
      ) : (
        <button {...common} type="button" aria-haspopup="dialog" onClick={() => onOpen(room)}>
          {words}
        </button>
      )}
    </li>
  );
}

function Talked({ room: { said_at: at = 0 } }: { room: ListedRoom }) {
  void ticks.value;
  if (!at) return <span class="room-time" />;
  return (
    <time class="room-time" dateTime={new Date(at).toISOString()}>
      {shortTimeText(at, session().now())}
    </time>
  );
}

function About({ room: { topic, tags = [], said_at: at = 0 } }: { room: ListedRoom }) {
  const t = directoryTexts.value;
  if (!topic && !tags.length) return <>{at ? '\u00a0' : t.quiet}</>;
  return (
    <>
      {topic && <b>{t.topics[topic]}</b>}
      <span class="browse-tags">{tags.map((tag) => `#${isolated(tag)}`).join(' ')}</span>
    </>
  );
}
