import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { DIRECTORY_ORDERS, TOPICS } from '../../choices';
import type { ListedRoom } from '../../protocol';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { Blank, FailureText } from '../parts';
import { Preview } from './Preview';
import { Row } from './Row';
import { directory, drawn } from './shown';
import { directoryTexts } from './texts';

interface BrowseProps {
  roomId: string | null;
  /** What is looked for; '' shows the lists. */
  text: string;
  /** Look for something else. */
  onText(text: string): void;
  onMake(name: string): void;
}

/** How far down the list was when it was last seen, as a phone shows it and rooms in turn. */
let leftAt = 0;

/** Rooms that everybody may join: those that are active or new, by topic, or found by a text. */
export function Browse({ roomId, text, onText, onMake }: BrowseProps) {
  watch('rooms', 'connection');
  void drawn.value;
  const t = directoryTexts.value;
  const here = session();
  const list = directory();
  const box = useRef<HTMLUListElement>(null);
  const [shown, setShown] = useState<ListedRoom | null>(null);
  const isOnline = here.connection.state === 'online';
  const toTop = () => {
    leftAt = 0;
    if (box.current) box.current.scrollTop = 0;
  };
  useLayoutEffect(() => {
    if (text !== list.query.text) toTop();
    list.show({ ...list.query, text });
  }, [text]);
  useEffect(() => {
    if (isOnline && (list.code === 'lost' || list.code === 'timeout')) list.retry();
  }, [isOnline]);
  const { rooms, state, more, query } = list;
  const hasRooms = rooms.length > 0;
  useEffect(() => {
    if (box.current) box.current.scrollTop = leftAt;
  }, [hasRooms]);
  const choose = (next: Partial<typeof query>) => {
    toTop();
    list.show({ ...query, ...next });
  };
  const open = (room: ListedRoom) => setShown(room);

  return (
    <div class="browse" data-testid="browse" data-state={state}>
      <div class="browse-head">
        {text ? (
          <p class="muted small browse-what">
            {text.startsWith('#') ? t.searchingTag(text.slice(1)) : t.searching(text)}
          </p>
        ) : (
          <Filters query={query} onChoose={choose} />
        )}
      </div>
      <p class="hidden" role="status">
        {state === 'ready' && t.results(rooms.length)}
      </p>
      {state === 'failed' ? (
        <Blank title={t.failed} isAlert>
          {list.code && <FailureText code={list.code} />}
          <button
            type="button"
            class="button primary"
            data-testid="browse-retry"
            onClick={() => list.retry()}
          >
            {texts.value.retry}
          </button>
        </Blank>
      ) : hasRooms ? (
        <ul
          ref={box}
          class={`room-list ${state === 'loading' ? 'is-old' : ''}`}
          aria-label={t.title}
          aria-busy={state === 'loading'}
          onScroll={() => (leftAt = box.current?.scrollTop ?? 0)}
        >
          {rooms.map((room) => (
            <Row key={room.room_id} room={room} isCurrent={room.room_id === roomId} onOpen={open} />
          ))}
          <More />
        </ul>
      ) : state === 'ready' && more === 'none' ? (
        <Nothing text={text} onMake={onMake} />
      ) : (
        <Skeleton />
      )}
      {shown && (
        <Preview
          room={shown}
          onTag={(tag) => {
            setShown(null);
            onText(`#${tag}`);
          }}
          onClose={() => setShown(null)}
        />
      )}
    </div>
  );
}

interface FiltersProps {
  query: ReturnType<typeof directory>['query'];
  onChoose(next: Partial<FiltersProps['query']>): void;
}

function Filters({ query, onChoose }: FiltersProps) {
  const t = directoryTexts.value;
  const topics = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What is chosen is seen, also by who comes back from a room.
    const chosen = topics.current?.querySelector('[aria-pressed=true]');
    chosen?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, []);
  return (
    <>
      <div class="browse-chips" role="group" aria-label={t.order}>
        {DIRECTORY_ORDERS.map((order) => (
          <button
            key={order}
            type="button"
            class="chip is-order"
            data-testid="browse-order"
            data-order={order}
            aria-pressed={query.order === order}
            onClick={() => onChoose({ order })}
          >
            {t.orders[order]}
          </button>
        ))}
      </div>
      <div ref={topics} class="browse-chips is-scrolled" role="group" aria-label={t.topic}>
        {TOPICS.map((topic) => (
          <button
            key={topic}
            type="button"
            class="chip"
            data-testid="browse-topic"
            data-topic={topic}
            aria-pressed={query.topic === topic}
            onClick={() => onChoose({ topic: query.topic === topic ? null : topic })}
          >
            {t.topics[topic]}
          </button>
        ))}
      </div>
    </>
  );
}

/** At the end of the list: fetches what follows when it comes into sight. */
function More() {
  void drawn.value;
  const t = directoryTexts.value;
  const list = directory();
  const end = useRef<HTMLLIElement>(null);
  const isInSight = useRef(false);
  useEffect(() => {
    const observer = new IntersectionObserver(
      (seen) => {
        isInSight.current = seen.some((each) => each.isIntersecting);
        if (isInSight.current) void list.next();
      },
      { root: end.current?.closest('.room-list') ?? null, rootMargin: '400px' },
    );
    if (end.current) observer.observe(end.current);
    return () => observer.disconnect();
  }, [list]);
  // The next page may end in sight as well.
  useEffect(() => {
    if (isInSight.current && list.more === 'there') void list.next();
  });
  return (
    <li ref={end} class="browse-more muted small" data-testid="browse-more" data-state={list.more}>
      {list.more === 'failed' ? (
        <button type="button" class="button" onClick={() => list.retry()}>
          {texts.value.retry}
        </button>
      ) : list.more === 'none' ? (
        t.end
      ) : (
        t.more
      )}
    </li>
  );
}

function Nothing({ text, onMake }: { text: string; onMake(name: string): void }) {
  void drawn.value;
  const t = directoryTexts.value;
  const { topic } = directory().query;
  const title = text ? t.notFoundTitle : topic ? t.noneOfTopicTitle : t.noneTitle;
  return (
    <Blank title={title} text={text ? t.notFoundText : t.noneText}>
      <button
        type="button"
        class="button primary"
        data-testid="browse-make"
        onClick={() => onMake(text.startsWith('#') ? '' : text)}
      >
        {t.make}
      </button>
    </Blank>
  );
}

function Skeleton() {
  return (
    <div class="room-list" aria-busy="true">
      <span class="hidden">{texts.value.loading}</span>
      {[0, 1, 2, 3, 4, 5].map((i) => (
        <div class="room-item browse-item" key={i} aria-hidden="true">
          <span class="avatar skeleton" />
          <span class="room-words">
            <span class={`skeleton bar bar-${i % 3}`} />
            <span class="skeleton bar bar-long" />
          </span>
        </div>
      ))}
    </div>
  );
}
