import { useEffect } from 'preact/hooks';
import type { FailureCode } from '../../core/failure';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { Icon } from '../art';
import { failures, rules } from '../chunks';
import { isEmojiOnly } from '../links';
import { piecesOf } from '../mentions';
import { Avatar, nameOf } from '../parts';
import { toggleReaction } from './acting';
import { Quote } from './Quote';

type Deleter = '' | 'host' | 'manager';

export interface BubbleProps {
  roomId: string;
  userId: string;
  name: string;
  text: string;
  time: string;
  iso: string;
  seq: number | undefined;
  /** The chat that it answers; 0: none. */
  replyTo: number;
  cid: string;
  state: 'sending' | 'sent' | 'failed';
  /** Why it, or a change of it, failed. */
  failed: FailureCode | undefined;
  /** As in ChatRow. */
  change: '' | 'sending' | 'failed';
  isEdited: boolean;
  isDeleted: boolean;
  /** What whoever deleted it is in the room; '': its author. */
  deleter: Deleter;
  /** As in ChatRow. */
  reactions: string;
  /** As in ChatRow. */
  isKept: boolean;
  isQueued: boolean;
  isOwn: boolean;
  isFirst: boolean;
  isLast: boolean;
  /** Of all chats, the one whose links and buttons the Tab key goes to. */
  isActive: boolean;
  /** How many members have not read it. */
  unreadBy: number;
}

/**
 * One chat. All of its properties are plain values, so it is drawn again only when it has
 * changed, however long the log is (components that read a signal compare their properties).
 */
export function Bubble(chat: BubbleProps) {
  const t = texts.value.chat;
  const { isOwn, isFirst, isLast, state, isActive } = chat;
  const isSending = state === 'sending' || chat.change === 'sending';
  const tab = isActive ? 0 : -1;
  const classes = ['line', isOwn && 'is-own', isFirst && 'is-first', `is-${state}`];
  return (
    <div
      class={classes.filter(Boolean).join(' ')}
      data-testid="chat-entry"
      data-seq={chat.seq}
      data-cid={chat.cid}
      tabIndex={tab}
      data-state={state}
    >
      {!isOwn && isFirst && <Avatar userId={chat.userId} name={chat.name} />}
      <div class="line-words">
        {isFirst && (
          <span class={isOwn ? 'hidden' : 'line-name'} data-testid="author">
            {isOwn ? t.you : <bdi>{chat.name}</bdi>}
          </span>
        )}
        <div class="line-row">
          {chat.isDeleted ? (
            <p class="bubble is-deleted">{deletedText(chat.deleter)}</p>
          ) : (
            <Words chat={chat} tab={tab} />
          )}
          <span class="line-side">
            {chat.unreadBy > 0 && state === 'sent' && (
              <span class="unread-by" data-testid="unread-by">
                <span aria-hidden="true">{chat.unreadBy}</span>
                <span class="hidden">{t.unreadBy(chat.unreadBy)}</span>
              </span>
            )}
            {chat.isEdited && <span data-testid="edited">{t.edited}</span>}
            {isSending && (
              <span class="line-state" title={chat.isQueued ? t.queued : t.sending}>
                <Icon name="clock" />
                <span class="hidden">{chat.isQueued ? t.queued : t.sending}</span>
              </span>
            )}
            {state !== 'failed' && (isLast || state === 'sending') && (
              <time dateTime={chat.iso}>{chat.time}</time>
            )}
          </span>
          {!chat.isDeleted && (
            <button
              type="button"
              class="line-more"
              aria-label={t.actions}
              aria-haspopup="menu"
              title={t.actions}
              data-testid="chat-actions"
              tabIndex={tab}
            >
              <Icon name="more" />
            </button>
          )}
        </div>
        {chat.reactions && <Reactions chat={chat} tab={tab} />}
        {(state === 'failed' || chat.change === 'failed') && <Failed chat={chat} />}
        {isLost(chat) && (
          <p class="line-failed" role="alert" data-testid="not-kept">
            {t.notKept}
          </p>
        )}
      </div>
    </div>
  );
}

/** Whether a chat that has to wait would be lost with the page. */
function isLost({ state, isKept, isQueued }: BubbleProps): boolean {
  return !isKept && (state === 'failed' || (state === 'sending' && isQueued));
}

function deletedText(deleter: Deleter): string {
  if (deleter) rules.load();
  return (deleter && rules.module?.deletedText(deleter)) || texts.value.chat.deleted;
}

/** What somebody says, with links and people; a few emoji alone are drawn large. */
function Words({ chat: { roomId, replyTo, text }, tab }: { chat: BubbleProps; tab: number }) {
  const me = session().me?.user_id;
  const pieces = piecesOf(text);
  const people = pieces.flatMap((piece) => ('userId' in piece ? [piece.userId] : []));
  // They may be called something else tomorrow.
  if (people.length) watch('users');
  const isEmoji = !replyTo && isEmojiOnly(text);
  return (
    <div class={`bubble ${isEmoji ? 'is-emoji' : ''} ${people.includes(me ?? '') ? 'is-to-me' : ''}`}>
      {replyTo > 0 && <Quote roomId={roomId} seq={replyTo} tab={tab} />}
      <p dir="auto">
        {pieces.map((piece, i) => {
          if ('userId' in piece) {
            return (
              <b key={i} class="mention">
                <bdi>{piece.text}</bdi>
              </b>
            );
          }
          if (!piece.href) return piece.text;
          return (
            <a
              key={i}
              href={piece.href}
              target="_blank"
              rel="noopener noreferrer nofollow ugc"
              dir="ltr"
              tabIndex={tab}
            >
              {piece.text}
            </a>
          );
        })}
      </p>
    </div>
  );
}

/** What went wrong, and what can be done; few chats need it. */
function Failed({ chat }: { chat: BubbleProps }) {
  useEffect(() => void failures.load(), []);
  const { module } = failures;
  return module ? <module.ChatFailed chat={chat} /> : null;
}

/** What people think of a chat, one chip per emoji; a click puts one's own there, or takes it. */
function Reactions({ chat: { roomId, seq = 0, reactions }, tab }: { chat: BubbleProps; tab: number }) {
  watch('users');
  const t = texts.value.chat;
  const { me, blocks } = session();
  const words = reactions.split(' ');
  return (
    <ul class="reactions" data-testid="reactions" aria-label={t.reactions}>
      {words.map((emoji, i) => {
        if (i % 2) return null;
        const userIds = (words[i + 1] ?? '').split(',').filter((userId) => !blocks.has(userId));
        if (!userIds.length) return null;
        return (
          <li key={emoji}>
            <button
              type="button"
              class="reaction"
              aria-label={t.reaction(emoji, userIds.length)}
              aria-pressed={userIds.includes(me?.user_id ?? '')}
              title={userIds.map((each) => nameOf(each)).join(', ')}
              tabIndex={tab}
              onClick={() => toggleReaction(roomId, seq, emoji)}
            >
              {emoji} {userIds.length}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
