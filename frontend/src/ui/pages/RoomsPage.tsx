import { useLayoutEffect } from 'preact/hooks';
import { texts } from '../../i18n';
import { isWide } from '../app';
import { ChatPane } from '../chat/ChatPane';
import { NotLoaded } from '../Chunked';
import { log, rooms } from '../chunks';

/** The list and, beside it or instead of it, a room. */
export function RoomsPage({ roomId }: { roomId: string | null }) {
  useLayoutEffect(() => void log.load(), []);
  return (
    <div class="panes">
      {(isWide.value || !roomId) && <ListPane roomId={roomId} />}
      {(isWide.value || roomId) && (
        <section class="pane-chat">
          {roomId ? (
            <ChatPane key={roomId} roomId={roomId} />
          ) : (
            rooms.module && <rooms.module.Pick />
          )}
        </section>
      )}
    </div>
  );
}

/** The list; its code comes while the connection is made, and who only talks needs none of it. */
function ListPane({ roomId }: { roomId: string | null }) {
  const t = texts.value;
  useLayoutEffect(() => void rooms.load(), []);
  const { module, hasFailed } = rooms;
  if (module) return <module.RoomsPane roomId={roomId} />;
  return (
    <section class="pane-list" aria-label={t.rooms.title} aria-busy={!hasFailed}>
      <h1 class="pane-title">{t.rooms.title}</h1>
      {hasFailed && <NotLoaded chunk={rooms} title={t.rooms.list} />}
    </section>
  );
}
