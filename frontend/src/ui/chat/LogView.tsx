import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isTemporary } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { dayText, texts, timeText } from '../../i18n';
import { isVisible, session, watch } from '../app';
import { Icon } from '../art';
import { nameOf } from '../parts';
import { isolated, lastShown, rowsOf, type NoticeKind } from '../rows';
import { Bubble } from './Bubble';
import { useLineActions } from './lines';

/** So near to the bottom counts as at the bottom. */
const STUCK_PX = 48;
/** So near to the top asks for older entries. */
const OLDER_PX = 600;

/** What was said, newest at the bottom; it never moves under the reader's eyes. */
export function LogView({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users', 'connection');
  const t = texts.value;
  const here = session();
  const box = useRef<HTMLDivElement>(null);
  const [isStuck, setStuck] = useState(true);
  const stuck = useRef(true);
  /** The first entry at the last drawing, and where it ended: what comes before it moves it. */
  const anchor = useRef<{ element: HTMLElement; bottom: number } | null>(null);
  const ownCount = useRef(0);

  const outgoing = here.outgoing(room.id);
  const offset = here.now() - Date.now();
  const rows = rowsOf(
    room.log.entries,
    outgoing,
    here.me?.user_id ?? '',
    (at) => at + offset,
    (seq) => here.changes.of(room.id, seq),
  );
  const last = lastShown(rows);
  const newest = useRef(last);
  newest.current = last;
  const seenLast = useRef(last);
  const hasChat = rows.some((row) => row.type === 'chat');

  const lines = useLineActions(room.id, rows);

  const measure = () => {
    const element = box.current?.querySelector<HTMLElement>('[data-row]');
    anchor.current = element
      ? { element, bottom: element.offsetTop + element.offsetHeight }
      : null;
  };
  const settle = () => {
    const log = box.current;
    if (!log) return;
    const now = log.scrollHeight - log.scrollTop - log.clientHeight < STUCK_PX;
    if (now !== stuck.current) {
      stuck.current = now;
      setStuck(now);
    }
    here.look(now && isVisible.peek() ? room.id : null);
    if (now) seenLast.current = newest.current;
    if (log.scrollTop < OLDER_PX && room.log.hasBefore) void here.loadBefore(room.id);
  };
  const toBottom = () => {
    const log = box.current;
    if (log) log.scrollTop = log.scrollHeight;
  };

  useLayoutEffect(() => {
    const log = box.current;
    if (!log) return;
    // What one has just written is what one wants to see.
    const own = outgoing.length;
    if (own > ownCount.current) stuck.current = true;
    ownCount.current = own;
    const before = anchor.current;
    if (stuck.current) {
      toBottom();
    } else if (before?.element.isConnected) {
      const moved = before.element.offsetTop + before.element.offsetHeight - before.bottom;
      if (moved !== 0) log.scrollTop += moved;
    }
    measure();
    settle();
  });

  useEffect(() => {
    const log = box.current;
    if (!log) return;
    // A keyboard opened, a window turned: the newest stays in sight.
    const observer = new ResizeObserver(() => {
      if (stuck.current) toBottom();
      measure();
    });
    observer.observe(log);
    if (log.firstElementChild) observer.observe(log.firstElementChild);
    const unsubscribe = isVisible.subscribe(() => settle());
    return () => {
      observer.disconnect();
      unsubscribe();
      here.look(null);
    };
  }, [room]);

  const hasNew = !isStuck && last > seenLast.current;
  const isConnected = here.connection.state === 'online';
  return (
    <div class="log-frame">
      <div
        class="log"
        ref={box}
        role="log"
        aria-label={t.chat.log}
        aria-live="polite"
        aria-relevant="additions"
        aria-description={t.chat.logHelp}
        tabIndex={0}
        onScroll={settle}
        {...lines.handlers}
      >
        <div class="log-inner">
          <div class="log-top">
            {room.log.hasBefore ? (
              <span class="muted small">{t.loading}</span>
            ) : (
              <span class="muted small">{t.chat.beginning}</span>
            )}
          </div>
          {rows.map((row) => {
            switch (row.type) {
              case 'day':
                return (
                  <div class="day" key={row.key} data-testid="day-separator">
                    <span>{dayText(row.at)}</span>
                  </div>
                );
              case 'notice':
                return (
                  <p class="notice" key={row.key} data-row data-testid="notice">
                    {noticeText(row.kind, nameOf(row.userId), isolated(row.text))}
                  </p>
                );
              case 'chat':
                return (
                  <Bubble
                    key={row.key}
                    roomId={room.id}
                    userId={row.userId}
                    name={nameOf(row.userId)}
                    text={row.text}
                    replyTo={row.replyTo}
                    time={timeText(row.at)}
                    iso={isoOf(row.at)}
                    seq={row.seq}
                    cid={row.cid}
                    state={row.state}
                    reason={row.failed ? t.errors[row.failed] : ''}
                    canRetry={row.failed !== undefined && isTemporary(row.failed)}
                    isEdited={row.isEdited}
                    isDeleted={row.isDeleted}
                    reactions={row.reactions}
                    change={row.change}
                    isQueued={!isConnected}
                    isOwn={row.isOwn}
                    isFirst={row.isFirst}
                    isLast={row.isLast}
                    isActive={row.key === lines.active}
                  />
                );
            }
          })}
          {!hasChat && !room.log.hasBefore && <p class="log-quiet">{t.chat.quiet}</p>}
        </div>
      </div>
      <button
        type="button"
        class={`to-bottom ${isStuck ? '' : 'is-shown'} ${hasNew ? 'has-new' : ''}`}
        aria-hidden={isStuck}
        tabIndex={isStuck ? -1 : 0}
        data-testid="to-newest"
        onClick={() => {
          stuck.current = true;
          toBottom();
          settle();
          setStuck(true);
        }}
      >
        <Icon name="down" />
        <span class={hasNew ? '' : 'hidden'}>
          {hasNew ? t.chat.newBelow : t.chat.toNewest}
        </span>
      </button>
    </div>
  );
}

function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

function noticeText(kind: NoticeKind, name: string, text: string): string {
  const t = texts.value.chat;
  switch (kind) {
    case 'created':
      return t.created(name);
    case 'joined':
      return t.joined(name);
    case 'left':
      return t.left(name);
    case 'host_changed':
      return t.hostChanged(name);
    case 'renamed':
      return t.renamed(name, isolated(text));
  }
}
