import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { computed, signal } from '@preact/signals';
import { lang, texts } from '../../i18n';
import { roomsTexts } from '../../i18n/rooms';
import { Chunked } from '../Chunked';
import { directory, match } from '../chunks';
import { isComposing } from '../keys';
import { OpenRoom } from './OpenRoom';
import { RoomList } from './RoomList';

export { default as css } from '../../styles/rooms.css?url';
export { Pick } from './Pick';

/** Whether the list is that of all rooms, not of one's own; stays while a phone shows a room. */
const isBrowsing = signal(false);

/** Whether somebody new is looked for, and which room of a match is left for that: `?meet=ROOM`. */
function asked(): { leave: string | null } | null {
  const leave = new URLSearchParams(location.search).get('meet');
  return leave === null ? null : { leave: leave || null };
}

const meetText = computed(() => (lang.value === 'ko' ? '새로운 사람과 핑퐁' : 'Meet somebody new'));

/** One's rooms, under the one box that looks through them, finds others and makes new ones. */
export function RoomsPane({ roomId }: { roomId: string | null }) {
  const t = texts.value.rooms;
  const [name, setName] = useState('');
  const pane = useRef<HTMLElement>(null);
  const [meeting, setMeeting] = useState(asked);
  useLayoutEffect(() => {
    const now = asked();
    if (now) setMeeting(now);
  }, [roomId]);
  /** Until then it stands in the address: whoever has to sign in first comes back to it. */
  const close = () => {
    setMeeting(null);
    if (asked()) history.replaceState(null, '', location.pathname);
  };
  /** What a room is to be called that is being made; null: none is. */
  const [making, setMaking] = useState<string | null>(null);
  const all = roomsTexts.value;
  /** Arrows go from the box into the list, and back. */
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    if (!step || !isPlain || isComposing(event)) return;
    const stops = pane.current?.querySelectorAll<HTMLElement>('#open-room, a.room-item, button.room-item') ?? [];
    const at = [...stops].indexOf(document.activeElement as HTMLElement);
    const next = stops[at + step];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <section class="pane-list" aria-label={t.title} ref={pane} onKeyDown={onKeyDown}>
      <div class="pane-head">
        <h1 class="pane-title">{t.title}</h1>
        <button
          type="button"
          class="button small"
          data-testid="new-room-open"
          onClick={() => setMaking(isBrowsing.peek() && !name.startsWith('#') ? name.trim() : '')}
        >
          <span aria-hidden="true">＋</span>
          <span>{all.make}</span>
        </button>
      </div>
      <OpenRoom name={name} isBrowsing={isBrowsing.value} onName={setName} />
      <div class="open-room">
        <button
          type="button"
          class="button primary large"
          data-testid="meet"
          onClick={() => setMeeting({ leave: null })}
        >
          <span aria-hidden="true">🏓</span>
          <span>{meetText.value}</span>
        </button>
      </div>
      <div class="views" role="group" aria-label={all.views}>
        {[false, true].map((isAll) => (
          <button
            key={isAll}
            type="button"
            data-testid={isAll ? 'view-all' : 'view-mine'}
            aria-pressed={isBrowsing.value === isAll}
            onClick={() => (isBrowsing.value = isAll)}
          >
            {isAll ? all.browse : t.list}
          </button>
        ))}
      </div>
      {isBrowsing.value ? (
        <Chunked chunk={directory} title={all.browse}>
          {({ Browse }) => (
            <Browse roomId={roomId} text={name.trim()} onText={setName} onMake={setMaking} />
          )}
        </Chunked>
      ) : (
        <RoomList
          roomId={roomId}
          name={name.trim()}
          onBrowse={() => (isBrowsing.value = true)}
        />
      )}
      {making !== null && (
        <Chunked chunk={directory} title={all.make} onClose={() => setMaking(null)}>
          {({ NewRoom }) => (
            <NewRoom
              name={making}
              onMade={() => {
                setMaking(null);
                setName('');
              }}
              onClose={() => setMaking(null)}
            />
          )}
        </Chunked>
      )}
      {meeting && (
        <Chunked chunk={match} title={meetText.value} onClose={close}>
          {({ MatchDialog }) => <MatchDialog leave={meeting.leave} onClose={close} />}
        </Chunked>
      )}
    </section>
  );
}
