import { useEffect, useRef, useState } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { ROOM_NAME_MAX } from '../../protocol';
import { shortTimeText, texts } from '../../i18n';
import { isWide, say, session, watch } from '../app';
import { Serve } from '../art';
import { ChatPane } from '../chat/ChatPane';
import { Avatar, Blank, Counter, ErrorText, nameOf, useFailure } from '../parts';
import { lengthOf } from '../rows';
import { navigate } from '../router';

/** The list and, beside it or instead of it, a room. */
export function RoomsPage({ roomId }: { roomId: string | null }) {
  const t = texts.value;
  return (
    <div class="panes">
      {(isWide.value || !roomId) && (
        <section class="pane-list" aria-label={t.rooms.title}>
          <h1 class="pane-title">{t.rooms.title}</h1>
          <OpenRoom />
          <RoomList roomId={roomId} />
        </section>
      )}
      {(isWide.value || roomId) && (
        <section class="pane-chat">
          {roomId ? (
            <ChatPane key={roomId} roomId={roomId} />
          ) : (
            <Blank art={<Serve />} title={t.rooms.pickTitle} text={t.rooms.pickText} />
          )}
        </section>
      )}
    </div>
  );
}

/** One box that finds a room by its name, or makes it. */
function OpenRoom() {
  const t = texts.value.rooms;
  const [name, setName] = useState('');
  const [error, setError] = useFailure();
  const [isBusy, setBusy] = useState(false);
  const isTooLong = lengthOf(name.trim()) > ROOM_NAME_MAX;

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!name.trim() || isTooLong || isBusy) return;
    setBusy(true);
    setError('');
    try {
      const { room, created } = await session().openRoom(name.trim());
      setName('');
      navigate(`/rooms/${room.room_id}`);
      if (!isWide.peek()) return;
      // The log itself says that a room was created.
      if (!created) say(texts.peek().rooms.found(room.name));
      // It may be the room that is open already.
      document.getElementById('composer')?.focus();
    } catch (failure) {
      setError(failureCode(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="open-room" onSubmit={(event) => void submit(event)}>
      <label class="hidden" for="open-room">
        {t.openLabel}
      </label>
      <div class="field-row">
        <input
          id="open-room"
          class="input"
          data-testid="open-room-input"
          value={name}
          placeholder={t.openPlaceholder}
          autocomplete="off"
          enterkeyhint="go"
          aria-describedby="open-room-hint"
          aria-invalid={isTooLong || error !== ''}
          onInput={(event) => {
            setName(event.currentTarget.value);
            setError('');
          }}
          onKeyDown={(event) => {
            // The Enter that ends a Hangul composition does not mean the form.
            if (event.key === 'Enter' && (event.isComposing || event.keyCode === 229)) {
              event.preventDefault();
            }
          }}
        />
        <button
          class="button primary"
          data-testid="open-room-submit"
          disabled={!name.trim() || isTooLong || isBusy}
        >
          {t.openButton}
        </button>
      </div>
      <p class="hint" id="open-room-hint">
        <span>{isTooLong ? t.tooLong(ROOM_NAME_MAX) : t.openHint}</span>
        <Counter text={name.trim()} most={ROOM_NAME_MAX} />
      </p>
      {error && <ErrorText text={texts.value.errors[error]} />}
    </form>
  );
}

function RoomList({ roomId }: { roomId: string | null }) {
  watch('rooms', 'users');
  const t = texts.value.rooms;
  const here = session();
  const rooms = here.roomList;
  if (!rooms.length && here.listing) return <ListSkeleton />;
  if (!rooms.length) return <Blank art={<Serve />} title={t.emptyTitle} text={t.emptyText} />;
  return (
    <ul class="room-list" aria-label={t.list}>
      {rooms.map((room) => (
        <RoomItem key={room.id} room={room} isCurrent={room.id === roomId} />
      ))}
    </ul>
  );
}

const NAMES_SHOWN = 3;

function RoomItem({ room, isCurrent }: { room: RoomState; isCurrent: boolean }) {
  // The room changes in place: without this, equal properties would mean "not drawn again".
  watch('rooms', 'users');
  const here = session();
  const t = texts.value.rooms;
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
  const names = others.slice(0, NAMES_SHOWN).map(nameOf);
  const hidden = Math.max(0, room.memberCount - 1 - names.length);
  const isKnown = room.members.byId.size > 0;
  const who = room.memberCount <= 1 ? t.alone : isKnown ? t.others(names.join(', '), hidden) : '';
  const { preview, unread } = room;
  return (
    <li ref={item}>
      <a
        class="room-item"
        href={`/rooms/${room.id}`}
        data-testid="room-item"
        data-room-id={room.id}
        aria-current={isCurrent ? 'page' : undefined}
      >
        <Avatar userId={room.id} name={room.name} />
        <span class="room-words">
          <span class="room-line">
            <span class="room-name">{room.name}</span>
            <span class="room-count" aria-label={t.members(room.memberCount)}>
              {room.memberCount}
            </span>
            <time class="room-time">
              {room.activeAt > 0 ? shortTimeText(room.activeAt, here.now()) : ''}
            </time>
          </span>
          <span class="room-line">
            <span class={`room-preview ${preview && !preview.deleted ? '' : 'muted'}`}>
              {preview?.deleted ? texts.value.chat.deleted : (preview?.text ?? t.noChat)}
            </span>
            {unread > 0 && (
              <span class="badge" aria-label={t.unread(unread)} data-testid="unread">
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

function ListSkeleton() {
  return (
    <div class="room-list" aria-busy="true">
      <span class="hidden">{texts.value.loading}</span>
      {[0, 1, 2, 3, 4].map((i) => (
        <div class="room-item" key={i} aria-hidden="true">
          <span class="avatar skeleton" />
          <span class="room-words">
            <span class={`skeleton bar bar-${i % 3}`} />
            <span class="skeleton bar bar-long" />
            <span class="skeleton bar bar-1" />
          </span>
        </div>
      ))}
    </div>
  );
}
