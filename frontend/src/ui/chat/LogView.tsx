import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { isVisible, session, watch } from '../app';
import { Icon } from '../art';
import { sayFailure } from '../failure';
import { target } from './acting';
import { Announcer } from './Announcer';
import { lineActions } from './lines';
import { Lines } from './LogLines';
import { rowAt, Rows, withDivider, withHidden } from './rows';
import { Scrolling } from './scrolling';
import { ToUnread } from './ToUnread';

/** Where somebody went on reading, and how much there was. */
interface Mark {
  seq: number;
  count: number;
  /** The line that shows it has been in sight. */
  wasSeen: boolean;
}

function markOf(room: RoomState): Mark | null {
  return room.unread ? { seq: room.readSeq, count: room.unread, wasSeen: false } : null;
}

/** What was said, newest at the bottom; it never moves under the reader's eyes. */
export function LogView({ room }: { room: RoomState }) {
  return <Log key={`${room.id} ${room.epoch}`} room={room} />;
}

function Log({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users', 'connection');
  const t = texts.value;
  const here = session();
  const { shown, past, paging } = room;
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [, draw] = useState({});
  const [active, setActive] = useState('');
  /** What one has asked to see of people whom one has blocked. */
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [isStuck, setStuck] = useState(true);
  const [isMarkAbove, setMarkAbove] = useState(false);
  const mark = useRef<Mark | null | undefined>();
  if (mark.current === undefined) mark.current = markOf(room);
  const scrolling = useMemo(() => new Scrolling(() => draw({})), []);
  const maker = useMemo(() => {
    return new Rows(here.me?.user_id ?? '', (at) => at + here.now() - Date.now());
  }, []);

  const outgoing = here.outgoing(room.id);
  const ownCount = useRef(outgoing.length);
  if (outgoing.length > ownCount.current) {
    // What one has just written is what one wants to see.
    scrolling.isStuck = true;
    mark.current = null;
  }
  ownCount.current = outgoing.length;
  scrolling.mayStick = !past;

  let rows = maker.of(shown.entries, past ? [] : outgoing, here.changes.in(room.id));
  const { seq: markSeq = -1, count: markCount = 0 } = mark.current ?? {};
  if (mark.current && shown.first <= markSeq + 1) rows = withDivider(rows, markSeq);
  if (here.blocks.any) rows = withHidden(rows, (userId) => here.blocks.has(userId), opened);
  const current = useRef(rows);
  current.current = rows;
  const drawn = scrolling.choose(rows, active);

  /** After everything that may have changed what is in sight. */
  const look = () => {
    setStuck(scrolling.isStuck);
    here.look(scrolling.isStuck ? room.id : null);
    if (mark.current && !mark.current.wasSeen) {
      const divider = rows.findIndex((row) => row.type === 'divider');
      mark.current.wasSeen = divider >= 0 && !scrolling.isAbove(divider);
    }
    setMarkAbove(mark.current?.wasSeen === false);
    // What failed is asked for again by who reads, or by the next connection.
    if (!paging.before && scrolling.isNearTop) void here.loadBefore(room.id);
    if (!paging.after && scrolling.isNearEnd) void here.loadAfter(room.id);
  };
  const settle = () => {
    scrolling.settle();
    look();
  };
  const latest = useRef(settle);
  latest.current = settle;

  useLayoutEffect(() => {
    scrolling.attach(box.current, list.current);
    settle();
  });
  useEffect(() => {
    // A keyboard opened, a window turned, a font came, a chat grew.
    const observer = new ResizeObserver(() => latest.current());
    if (box.current) observer.observe(box.current);
    if (list.current) observer.observe(list.current);
    let wasVisible = isVisible.peek();
    const unsubscribe = isVisible.subscribe((visible) => {
      if (visible && !wasVisible) {
        mark.current = markOf(room) ?? mark.current;
        draw({});
      }
      wasVisible = visible;
      latest.current();
    });
    return () => {
      observer.disconnect();
      unsubscribe();
      here.look(null);
    };
  }, []);

  const aimed = target.value;
  useLayoutEffect(() => {
    if (aimed?.roomId !== room.id) return;
    target.value = null;
    scrolling.reveal(rowAt(rows, aimed.seq), 0.5, (line) => {
      line.focus({ preventScroll: true });
      line.classList.remove('is-target');
      // So that it begins anew.
      void line.offsetWidth;
      line.classList.add('is-target');
    });
  }, [aimed]);

  const isOnline = here.connection.state === 'online';
  useEffect(() => {
    if (isOnline && paging.before) void here.loadBefore(room.id);
    if (isOnline && paging.after) void here.loadAfter(room.id);
  }, [isOnline]);
  useEffect(() => {
    if (room.tellsReading) here.wantMembers(room.id);
  });

  const lines = useMemo(() => {
    return lineActions({
      roomId: room.id,
      rows: () => current.current,
      focused: setActive,
      reveal: (index) => {
        scrolling.reveal(index, 0.5, (line) => line.focus({ preventScroll: true }));
      },
    });
  }, []);
  useEffect(() => lines.release, []);

  const open = useMemo(() => {
    return (seqs: readonly number[]) => {
      // The line that was asked goes; what it stood for takes the focus.
      target.value = { roomId: room.id, seq: seqs[0] ?? 0 };
      setOpened((before) => new Set([...before, ...seqs]));
    };
  }, []);

  const toFirstUnread = () => {
    const divider = rows.findIndex((row) => row.type === 'divider');
    if (divider < 0) {
      // A notice may stand there.
      void here.jump(room.id, markSeq + 1).then(
        (isThere) => isThere && (target.value = { roomId: room.id, seq: markSeq + 1 }),
        (error) => void sayFailure(failureCode(error)),
      );
    } else {
      scrolling.reveal(divider, 0.2, (line) => {
        (line.nextElementSibling as HTMLElement | null)?.focus({ preventScroll: true });
      });
    }
  };
  const toNewest = () => {
    here.toNewest(room.id);
    scrolling.isStuck = true;
    draw({});
  };

  const count = isStuck ? 0 : room.unread;
  return (
    <div class="log-frame">
      <div
        class="log"
        ref={box}
        role="log"
        aria-label={t.chat.log}
        aria-live="off"
        aria-description={t.chat.logHelp}
        tabIndex={0}
        onScroll={() => {
          scrolling.scrolled();
          look();
        }}
        onScrollEnd={() => scrolling.rested()}
        {...lines.handlers}
      >
        <div class="log-inner">
          <PageEnd
            state={paging.before}
            text={shown.hasBefore ? t.loading : t.chat.beginning}
            retry={() => here.loadBefore(room.id)}
          />
          <div class="log-lines" ref={list}>
            <Lines
              room={room}
              rows={rows}
              drawn={drawn}
              active={active}
              isOnline={isOnline}
              onOpen={open}
            />
          </div>
          {past && (
            <PageEnd
              state={paging.after}
              text={t.loading}
              retry={() => here.loadAfter(room.id)}
            />
          )}
          {!shown.hasBefore && !rows.some((row) => row.type === 'chat') && (
            <p class="log-quiet">{t.chat.quiet}</p>
          )}
        </div>
      </div>
      {isMarkAbove && <ToUnread count={markCount} onClick={toFirstUnread} />}
      <button
        type="button"
        class={`to-bottom ${isStuck ? '' : 'is-shown'} ${count ? 'has-new' : ''}`}
        aria-hidden={isStuck}
        tabIndex={isStuck ? -1 : 0}
        data-testid="to-newest"
        onClick={toNewest}
      >
        <Icon name="down" />
        <span class={count ? '' : 'hidden'}>
          {count ? t.chat.news(count > 99 ? '99+' : count) : t.chat.toNewest}
        </span>
      </button>
      <Announcer room={room} />
    </div>
  );
}

interface PageEndProps {
  state: '' | 'loading' | 'failed';
  text: string;
  retry(): void;
}

/** Where what is held ends: the beginning of all, or more is on its way, or did not come. */
function PageEnd({ state, text, retry }: PageEndProps) {
  const t = texts.value;
  if (state !== 'failed') return <div class="log-top muted small">{text}</div>;
  return (
    <div class="log-top muted small" role="alert">
      {t.notLoaded}
      <button type="button" class="button small" data-testid="retry-history" onClick={retry}>
        {t.retry}
      </button>
    </div>
  );
}
