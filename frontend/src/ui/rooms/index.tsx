import { useRef, useState } from 'preact/hooks';
import { texts } from '../../i18n';
import { isComposing } from '../keys';
import { OpenRoom } from './OpenRoom';
import { RoomList } from './RoomList';

export { default as css } from '../../styles/rooms.css?url';
export { Pick } from './Pick';

/** One's rooms, under the one box that looks through them, finds others and makes new ones. */
export function RoomsPane({ roomId }: { roomId: string | null }) {
  const t = texts.value.rooms;
  const [name, setName] = useState('');
  const pane = useRef<HTMLElement>(null);
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
      <RoomList roomId={roomId} name={name.trim()} />
    </section>
  );
}
