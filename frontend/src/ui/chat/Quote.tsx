import { texts } from '../../i18n';
import { session, watch } from '../app';
import { plainText } from '../mentions';
import { nameOf } from '../parts';
import { chatAt, jumpTo } from './acting';

interface QuoteProps {
  roomId: string;
  seq: number;
  /** What is said over the words, of whose they are. */
  title?: (name: string) => string;
}

/** Who said the chat that is answered, and its words, as they are now. */
export function QuoteWords({ roomId, seq, title }: QuoteProps) {
  watch(`room:${roomId}`, 'users');
  const t = texts.value;
  const found = chatAt(roomId, seq) ?? session().quoted(roomId, seq);
  if (!found) return <span>{found === null ? t.chat.noQuote : t.loading}</span>;
  if (session().blocks.has(found.user_id)) return <span>{t.chat.blocked}</span>;
  const isOwn = found.user_id === session().me?.user_id;
  const name = isOwn ? t.chat.you : nameOf(found.user_id);
  return (
    <>
      <b>{title ? title(name) : <bdi>{name}</bdi>}</b>
      <span dir="auto">{found.deleted ? t.chat.deleted : plainText(found.text ?? '')}</span>
    </>
  );
}

/** Over a chat, what it answers; leads there. */
export function Quote({ tab, ...answered }: QuoteProps & { tab: number }) {
  return (
    <button
      type="button"
      class="quote"
      data-testid="quote"
      tabIndex={tab}
      onClick={() => void jumpTo(answered.roomId, answered.seq)}
    >
      <span class="hidden">{texts.value.chat.answers}</span>
      <QuoteWords {...answered} />
    </button>
  );
}
