import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { computed } from '@preact/signals';
import { lang, texts } from '../../i18n';
import { Chunked } from '../Chunked';
import { match } from '../chunks';
import { isComposing } from '../keys';
import { OpenRoom } from './OpenRoom';
import { RoomList } from './RoomList';

export { default as css } from '../../styles/rooms.css?url';
export { Pick } from './Pick';
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
    if (!now) return;
    setMeeting(now);
    history.replaceState(null, '', location.pathname);
  }, [roomId]);
  const close = () => setMeeting(null);
  /** Arrows go from the box into the list, and back. */
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    if (!step || !isPlain || isComposing(event)) return;
    const stops = pane.current?.querySelectorAll<HTMLElement>('#open-room, a.room-item') ?? [];
    const at = [...stops].indexOf(document.activeElement as HTMLElement);
    const next = stops[at + step];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <section class="pane-list" aria-label={t.title} ref={pane} onKeyDown={onKeyDown}>
      <h1 class="pane-title">{t.title}</h1>
      <OpenRoom name={name} onName={setName} />
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
      <RoomList roomId={roomId} name={name.trim()} />
      {meeting && (
        <Chunked chunk={match} title={meetText.value} onClose={close}>
          {({ MatchDialog }) => <MatchDialog leave={meeting.leave} onClose={close} />}
        </Chunked>
      )}
    </section>
  );
}
