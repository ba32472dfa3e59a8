import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Search, type Wish } from '../../core/search';
import type { Language } from '../../protocol';
import { DialogButtons } from '../DialogButtons';
import { session, watch } from '../app';
import { browserClock } from '../browser';
import { Dialog, ErrorText, FailureText } from '../parts';
import { Rally } from '../Rally';
import { navigate } from '../router';
import { Choices } from './Choices';
import { matchTexts } from './texts';
import { keepWish, lastWish } from './wish';

interface MatchDialogProps {
  /** The room of a match that is left for the next one. */
  leave: string | null;
  onClose(): void;
}

/** From what one would like to talk about until one is in a room with somebody. */
export function MatchDialog({ leave, onClose }: MatchDialogProps) {
  watch('rooms', 'connection');
  const t = matchTexts.value;
  const here = session();
  const [wish, setWish] = useState(lastWish);
  const [, redraw] = useState({});
  const search = useRef<Search | null>(null);
  const isOnline = here.connection.state === 'online';
  useEffect(() => search.current?.wake());
  useEffect(() => {
    if (isOnline) search.current?.reconnected();
  }, [isOnline]);
  useEffect(() => () => void search.current?.cancel(), []);

  const start = (left: string | null) => {
    keepWish(wish);
    search.current = seek(wish, left, () => redraw({}));
    redraw({});
  };
  const state = search.current?.state;
  const foundId = state?.step === 'found' ? state.roomId : '';
  useLayoutEffect(() => {
    if (!foundId) return;
    onClose();
    navigate(`/rooms/${foundId}`);
  }, [foundId]);

  const stop = () => {
    void search.current?.cancel();
    onClose();
  };
  return (
    <Dialog title={leave && !state ? t.nextTitle : t.title} class="match" testId="match-dialog" onClose={stop}>
      {state?.step === 'seeking' || foundId ? (
        <Seeking search={search.current as Search} wish={wish} isOnline={isOnline} onStop={stop} />
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (wish.languages.length) start(state ? null : leave);
          }}
        >
          <p>{state?.step === 'over' ? t.over : leave ? t.nextText : t.lead}</p>
          <Choices wish={wish} onWish={setWish} />
          {!wish.languages.length && <ErrorText text={t.needLanguage} />}
          {state?.step === 'failed' && <FailureText code={state.code} />}
          <DialogButtons
            label={state ? t.again : t.start}
            testId="match-start"
            isReady={wish.languages.length > 0}
            autofocus
            onCancel={onClose}
          />
        </form>
      )}
    </Dialog>
  );
}

function seek(wish: Wish, leave: string | null, changed: () => void): Search {
  const here = session();
  const cid = Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('-');
  return new Search(
    browserClock,
    {
      online: () => here.connection.state === 'online',
      async seek(body, room) {
        const { languages, tags, ...more } = body;
        const wanted = { ...more, languages: languages as Language[], tags: [...tags] };
        const reply = await (room
          ? here.connection.request('match.next', { ...wanted, room_id: room })
          : here.connection.request('match.seek', wanted));
        if (room) here.hear({ type: 'room.left', room_id: room });
        if (reply.room) here.hear({ type: 'match.found', room: reply.room, users: reply.users ?? {} });
        return reply;
      },
      cancel: (id) => here.connection.request('match.cancel', { cid: id }),
      leave: (roomId) => void here.leave(roomId).catch(() => {}),
      rooms: () => here.rooms.values(),
      changed,
    },
    cid,
    wish,
    leave,
  );
}

interface SeekingProps {
  search: Search;
  wish: Wish;
  isOnline: boolean;
  onStop(): void;
}

const SLOW_S = 20;
/** As long as the server prefers who shares an interest. */
const PREFER_S = 4;

function Seeking({ search, wish, isOnline, onStop }: SeekingProps) {
  const t = matchTexts.value;
  const [seconds, setSeconds] = useState(0);
  const stop = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => stop.current?.focus(), []);
  useEffect(() => {
    const timer = setInterval(() => {
      setSeconds(Math.floor((browserClock.now() - search.since) / 1000));
    }, 500);
    return () => clearInterval(timer);
  }, [search]);
  const what = wish.tags.length && seconds < PREFER_S ? t.seekingTags : t.seeking;
  return (
    <div class="match-seeking" data-testid="match-seeking">
      <Rally />
      <p class="match-state" role="status">
        {isOnline ? what : t.offline}
      </p>
      <p class="muted small match-time">
        {t.waited(seconds)}
        {wish.tags.length > 0 && ` · ${wish.tags.map((tag) => `#${tag}`).join(' ')}`}
      </p>
      <p class="muted small match-slow" role="status">
        {isOnline && seconds >= SLOW_S ? t.slow : ''}
      </p>
      <button
        ref={stop}
        type="button"
        class="button large"
        data-testid="match-cancel"
        onClick={onStop}
      >
        {t.cancel}
      </button>
    </div>
  );
}
