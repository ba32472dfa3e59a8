import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { ROOM_NAME_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { roomsTexts } from '../../i18n/rooms';
import { session, watch } from '../app';
import { Chunked } from '../Chunked';
import { ends } from '../chunks';
import { Blank } from '../parts';
import { isolated, lengthOf } from '../rows';
import { found, hasNamed } from './find';
import { SteadyOrder } from './order';
import { RoomItem } from './RoomItem';
import { Serve } from './Serve';

interface RoomListProps {
  roomId: string | null;
  /** What is being looked for; '' when nothing is. */
  name: string;
  /** Look at the rooms of others instead. */
  onBrowse(): void;
}

/** How far down the list was when it was last seen, as a phone shows it and rooms in turn. */
let leftAt = 0;

/** One's rooms, the most recently active first. */
export function RoomList({ roomId, name, onBrowse }: RoomListProps) {
  watch('rooms', 'users', 'connection');
  const t = roomsTexts.value;
  const title = texts.value.rooms.list;
  const here = session();
  const list = useRef<HTMLUListElement>(null);
  const all = here.roomList;
  const rooms = new Map(found(all, name).map((room) => [room.id, room]));
  const [, redraw] = useState({});
  const steady = useMemo(() => new SteadyOrder(() => redraw({})), []);
  const order = steady.next([...rooms.keys()], name);
  useLayoutEffect(() => steady.drawn(list.current));
  useEffect(() => () => steady.stop(), []);
  const hasList = order.length > 0;
  useEffect(() => {
    if (list.current) list.current.scrollTop = leftAt;
  }, [hasList]);

  if (!all.length && here.listing) {
    if (here.connection.state !== 'offline') return <ListSkeleton />;
    return (
      <Chunked chunk={ends} title={title}>
        {({ Offline }) => <Offline />}
      </Chunked>
    );
  }
  if (!all.length) {
    return (
      <Blank art={<Serve />} title={t.emptyTitle} text={t.emptyText}>
        <button type="button" class="button" data-testid="to-browse" onClick={onBrowse}>
          {t.toBrowse}
        </button>
      </Blank>
    );
  }
  const other = name && lengthOf(name) <= ROOM_NAME_MAX && !hasNamed(all, name) && (
    <button class="button" form="open-room-form" data-testid="open-named">
      <span>{t.openNamed(isolated(name))}</span>
    </button>
  );
  return (
    <>
      <p class="hidden" role="status">
        {name && t.results(order.length)}
      </p>
      {hasList ? (
        <ul
          ref={list}
          class="room-list"
          aria-label={title}
          onScroll={() => {
            if (!name) leftAt = list.current?.scrollTop ?? 0;
          }}
        >
          {order.map((id) => (
            <RoomItem key={id} room={rooms.get(id) as RoomState} isCurrent={id === roomId} />
          ))}
          {other && <li class="room-other">{other}</li>}
        </ul>
      ) : (
        <Blank title={t.noneTitle} text={t.noneText}>
          {other}
        </Blank>
      )}
    </>
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
