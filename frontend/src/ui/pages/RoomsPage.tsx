import { useRef, useState } from 'preact/hooks';
import { texts } from '../../i18n';
import { isWide } from '../app';
import { Serve } from '../art';
import { ChatPane } from '../chat/ChatPane';
import { Blank } from '../parts';
import { OpenRoom } from '../rooms/OpenRoom';
import { RoomList } from '../rooms/RoomList';

/** The list and, beside it or instead of it, a room. */
export function RoomsPage({ roomId }: { roomId: string | null }) {
  const t = texts.value;
  return (
    <div class="panes">
      {(isWide.value || !roomId) && <ListPane roomId={roomId} />}
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

/** One's rooms, under the one box that looks through them, finds others and makes new ones. */
function ListPane({ roomId }: { roomId: string | null }) {
  const t = texts.value.rooms;
  const [name, setName] = useState('');
  const pane = useRef<HTMLElement>(null);
  /** Arrows go from the box into the list, and back. */
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
    if (!step || !isPlain || event.isComposing) return;
    const stops = [...(pane.current?.querySelectorAll<HTMLElement>('#open-room, a.room-item') ?? [])];
    const next = stops[stops.indexOf(document.activeElement as HTMLElement) + step];
    if (!next || !stops.includes(document.activeElement as HTMLElement)) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <section class="pane-list" aria-label={t.title} ref={pane} onKeyDown={onKeyDown}>
      <h1 class="pane-title">{t.title}</h1>
      <OpenRoom name={name} onName={setName} />
      <RoomList roomId={roomId} name={name.trim()} />
    </section>
  );
}
