import { useEffect, useRef } from 'preact/hooks';
import { previewOf } from '../../core/preview';
import type { RoomState } from '../../core/room';
import { shortTimeText, texts } from '../../i18n';
import { roomsTexts } from '../../i18n/rooms';
import { session, ticks, watch } from '../app';
import { Icon } from '../art';
import { plainText } from '../mentions';
import { Avatar, nameOf } from '../parts';

const NAMES_SHOWN = 3;

interface RoomItemProps {
  room: RoomState;
  isCurrent: boolean;
}

/** A room in the list: who is in it, what was said last and when, and what one has missed. */
export function RoomItem({ room, isCurrent }: RoomItemProps) {
  // The room changes in place: without this, equal properties would mean "not drawn again".
  watch('rooms', 'users', `room:${room.id}`);
  const here = session();
  const t = roomsTexts.value;
  const item = useRef<HTMLLIElement>(null);
  const isInSight = useRef(false);
  const want = () => {
    if (isInSight.current) here.wantMembers(room.id);
  };
  useEffect(() => {
    const observer = new IntersectionObserver((seen) => {
      isInSight.current = seen.some((each) => each.isIntersecting);
      want();
    });
    if (item.current) observer.observe(item.current);
    return () => observer.disconnect();
  }, [room]);
  useEffect(want);

  const others = [...room.members.byId.keys()].filter((id) => id !== here.me?.user_id);
  const names = others.slice(0, NAMES_SHOWN).map((userId) => nameOf(userId, room.id));
  const hidden = Math.max(0, room.memberCount - 1 - names.length);
  const isKnown = room.members.byId.size > 0;
  const all = isKnown ? t.others(names.join(', '), hidden) : '';
  // A room for two is called as the other one.
  const ofTwo = room.memberCount <= 1 ? t.partnerLeft : '';
  const who = room.partnerId ? ofTwo : room.memberCount <= 1 ? t.alone : all;
  const name = room.name || texts.value.unknownUser;
  const { unread, muted: isMuted } = room;
  const hasFailed = here.outgoing(room.id).some((item) => item.state === 'failed');
  return (
    <li ref={item}>
      <a
        class="room-item"
        href={`/rooms/${room.id}`}
        data-testid="room-item"
        data-room-id={room.id}
        aria-current={isCurrent ? 'page' : undefined}
      >
        <Avatar userId={room.partnerId || room.id} name={name} />
        <span class="room-words">
          <span class="room-line">
            <span class="room-name">{name}</span>
            <span class="room-count" aria-label={t.members(room.memberCount)}>
              {room.memberCount}
            </span>
            {isMuted && (
              <span class="room-muted" role="img" aria-label={texts.value.rooms.muted} data-testid="muted">
                <Icon name="muted" />
              </span>
            )}
            <RoomTime at={room.activeAt} />
          </span>
          <span class="room-line">
            <LastWords room={room} isCurrent={isCurrent} />
            {hasFailed && (
              <span class="room-failed" role="img" aria-label={t.unsent} data-testid="room-failed">
                !
              </span>
            )}
            {unread > 0 && (
              <span
                class={`badge ${isMuted ? 'is-muted' : ''}`}
                aria-label={t.unread(unread)}
                data-testid="unread"
              >
                {unread > 999 ? '999+' : unread}
              </span>
            )}
          </span>
          <span class="room-line room-members">{who || '\u00a0'}</span>
        </span>
      </a>
    </li>
  );
}

/** What was said last, or what one was about to say. */
function LastWords({ room, isCurrent }: RoomItemProps) {
  watch('rooms', 'users');
  const here = session();
  const t = texts.value;
  const { preview } = room;
  // The open room has its draft in the place where one writes.
  const draft = isCurrent ? '' : previewOf(here.draft(room.id).text);
  if (draft) {
    return (
      <span class="room-preview">
        <em data-testid="draft">{roomsTexts.value.draft}</em> <bdi>{draft}</bdi>
      </span>
    );
  }
  if (preview && here.blocks.has(preview.user_id)) {
    return <span class="room-preview muted">{t.chat.blocked}</span>;
  }
  const isShort = !preview || preview.deleted;
  const isOwn = preview?.user_id === here.me?.user_id;
  const author = isOwn ? t.chat.you : nameOf(preview?.user_id ?? '', room.id);
  return (
    <span class={`room-preview ${isShort ? 'muted' : ''}`}>
      {preview && room.memberCount > 2 && `${author}: `}
      <bdi>{preview?.deleted ? t.chat.deleted : (preview ? plainText(preview.text, room.id) : roomsTexts.value.noChat)}</bdi>
    </span>
  );
}

/** How long ago something happened, as time passes. */
function RoomTime({ at }: { at: number }) {
  void ticks.value;
  if (at <= 0) return <span class="room-time" />;
  return (
    <time class="room-time" dateTime={new Date(at).toISOString()}>
      {shortTimeText(at, session().now())}
    </time>
  );
}
