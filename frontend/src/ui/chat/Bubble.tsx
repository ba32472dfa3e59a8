import { texts } from '../../i18n';
import { session } from '../app';
import { Icon } from '../art';
import { Avatar } from '../parts';
import { putBack } from './Composer';

export interface BubbleProps {
  userId: string;
  name: string;
  text: string;
  time: string;
  iso: string;
  seq: number | undefined;
  cid: string;
  state: 'sending' | 'sent' | 'failed';
  reason: string;
  /** Of a failed one: whether the same text may still go through. */
  canRetry: boolean;
  isEdited: boolean;
  isDeleted: boolean;
  /** As in ChatRow. */
  reactions: string;
  isQueued: boolean;
  isOwn: boolean;
  isFirst: boolean;
  isLast: boolean;
}

/**
 * One chat. All of its properties are plain values, so it is drawn again only when it has
 * changed, however long the log is (components that read a signal compare their properties).
 */
export function Bubble(chat: BubbleProps) {
  const t = texts.value.chat;
  const { isOwn, isFirst, isLast, state } = chat;
  const classes = ['line', isOwn && 'is-own', isFirst && 'is-first', `is-${state}`];
  return (
    <div
      class={classes.filter(Boolean).join(' ')}
      data-row
      data-testid="chat-entry"
      data-seq={chat.seq}
      data-state={state}
    >
      {!isOwn && isFirst && <Avatar userId={chat.userId} name={chat.name} />}
      <div class="line-words">
        {isFirst && (
          <span class={isOwn ? 'hidden' : 'line-name'} data-testid="author">
            {isOwn ? t.you : chat.name}
          </span>
        )}
        <div class="line-row">
          {chat.isDeleted ? (
            <p class="bubble is-deleted">{t.deleted}</p>
          ) : (
            <p class="bubble">{chat.text}</p>
          )}
          <span class="line-side">
            {chat.isEdited && <span data-testid="edited">{t.edited}</span>}
            {state === 'sending' && (
              <span class="line-state" title={chat.isQueued ? t.queued : t.sending}>
                <Icon name="clock" />
                <span class="hidden">{chat.isQueued ? t.queued : t.sending}</span>
              </span>
            )}
            {state !== 'failed' && (isLast || state === 'sending') && (
              <time dateTime={chat.iso}>{chat.time}</time>
            )}
          </span>
        </div>
        {chat.reactions && <Reactions reactions={chat.reactions} />}
        {state === 'failed' && (
          <div class="line-failed" role="alert">
            <span>
              {t.notSent}
              {chat.reason && `: ${chat.reason}`}
            </span>
            {chat.canRetry ? (
              <button
                type="button"
                class="button small"
                data-testid="retry-send"
                onClick={() => session().retry(chat.cid)}
              >
                {texts.value.retry}
              </button>
            ) : (
              <button
                type="button"
                class="button small"
                data-testid="edit-send"
                onClick={() => {
                  session().discard(chat.cid);
                  putBack(chat.text);
                }}
              >
                {t.edit}
              </button>
            )}
            <button
              type="button"
              class="button small"
              data-testid="discard"
              onClick={() => session().discard(chat.cid)}
            >
              {t.discard}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}

/** What others think of a chat, one chip per emoji. */
function Reactions({ reactions }: { reactions: string }) {
  const t = texts.value.chat;
  const words = reactions.split(' ');
  const chips = words.flatMap((emoji, i) => (i % 2 ? [] : [{ emoji, count: words[i + 1] ?? '' }]));
  return (
    <ul class="reactions" data-testid="reactions" aria-label={t.reactions}>
      {chips.map(({ emoji, count }) => (
        <li key={emoji} class="reaction" aria-label={t.reaction(emoji, Number(count))}>
          <span aria-hidden="true">
            {emoji} {count}
          </span>
        </li>
      ))}
    </ul>
  );
}
