import { useEffect, useRef, useState } from 'preact/hooks';
import { isChat } from '../../core/unread';
import type { RoomState } from '../../core/room';
import type { Entry } from '../../protocol';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { plainText } from '../mentions';
import { nameOf } from '../parts';

/** Of so many that come together, each is read out; of more, only how many there are. */
const EACH_MAX = 3;
const PAUSE_MS = 2_000;
const TEXT_MAX = 300;

/** Tells screen readers what others say, once, whatever of the log is drawn. */
export function Announcer({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const told = useRef(room.log.last);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const [said, setSaid] = useState<Entry[]>([]);

  const tell = () => {
    timer.current = undefined;
    const { entries } = room.log;
    const { me, blocks } = session();
    const news: Entry[] = [];
    for (let i = entries.length - 1; (entries[i]?.seq ?? 0) > told.current; i--) {
      const entry = entries[i] as Entry;
      const isHeard = entry.user_id !== me?.user_id && !blocks.has(entry.user_id);
      if (isChat(entry) && isHeard && !entry.deleted) news.unshift(entry);
    }
    told.current = room.log.last;
    if (!news.length) return;
    setSaid(news);
    timer.current = setTimeout(tell, PAUSE_MS);
  };
  useEffect(() => {
    if (!timer.current) tell();
  });
  useEffect(() => () => clearTimeout(timer.current), []);

  return (
    <div class="hidden" role="status" data-testid="announcer">
      {said.length > EACH_MAX ? (
        <p key={said[0]?.seq}>{texts.value.chat.news(said.length)}</p>
      ) : (
        said.map(({ seq, user_id, text = '' }) => (
          <p key={seq}>
            {nameOf(user_id)}: {plainText(text).slice(0, TEXT_MAX)}
          </p>
        ))
      )}
    </div>
  );
}
