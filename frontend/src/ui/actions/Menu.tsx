import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import { say, session, watch } from '../app';
import { acting, chatAt, editing, reply, toggleReaction } from '../chat/acting';
import { texts } from '../../i18n';
import { sayFailure } from '../failure';
import { plainText } from '../mentions';
import { nameOf } from '../parts';
import { rulesOf } from '../rules/of';
import { BlockItem, ReportItem } from '../safety/items';
import type { ActionsProps } from '.';
import { MenuItem, moveFocus } from './MenuItem';
import { Sheet } from './Sheet';
import { words } from './texts';

export const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🏓'];

/** What one may do with a chat: rows of things to choose from, by finger, mouse or arrow keys. */
export function Menu({ open, onClose }: ActionsProps) {
  const { roomId, seq, text, isOwn, near } = open;
  watch(`room:${roomId}`, 'users');
  const w = words.value;
  const box = useRef<HTMLDivElement>(null);
  const entry = seq === undefined ? undefined : chatAt(roomId, seq);
  const isGone = seq !== undefined && (!entry || entry.deleted === true);
  useEffect(() => {
    if (isGone) onClose();
  }, [isGone]);
  useLayoutEffect(() => box.current?.querySelector<HTMLElement>('[role^=menuitem]')?.focus(), []);
  const here = session();
  const me = here.me?.user_id ?? '';
  const reactions = Object.entries(entry?.reactions ?? {})
    .map(([emoji, ids]) => [emoji, ids.filter((userId) => !here.blocks.has(userId))] as const)
    .filter(([, ids]) => ids.length > 0);
  const mine = (emoji: string) => entry?.reactions?.[emoji]?.includes(me) ?? false;
  const said = entry?.text ?? text;
  const room = session().rooms.get(roomId);
  const rules = room && rulesOf(room);
  const isPinned = seq !== undefined && rules?.pinned?.seq === seq;

  return (
    <Sheet
      class="menu"
      label={texts.value.chat.actions}
      near={near}
      atEnd={isOwn}
      testId="chat-menu"
      onClose={onClose}
    >
      <p class="acting-text" dir="auto">
        {plainText(said)}
      </p>
      <div ref={box} role="menu" aria-label={texts.value.chat.actions} onKeyDown={moveFocus}>
        {seq !== undefined && (
          <div class="quick" role="group" aria-label={w.react} data-menu-row>
            {QUICK.map((emoji) => (
              <button
                key={emoji}
                type="button"
                role="menuitemcheckbox"
                aria-checked={mine(emoji)}
                class="emoji"
                tabIndex={-1}
                onClick={() => {
                  onClose();
                  toggleReaction(roomId, seq, emoji);
                }}
              >
                {emoji}
              </button>
            ))}
            <button
              type="button"
              role="menuitem"
              class="emoji more"
              aria-label={w.more}
              title={w.more}
              data-testid="more-emoji"
              tabIndex={-1}
              onClick={() => (acting.value = { ...open, what: 'picker' })}
            >
              +
            </button>
          </div>
        )}
        {seq !== undefined && (
          <MenuItem
            label={w.reply}
            testId="reply-chat"
            onChoose={() => {
              onClose();
              reply(roomId, seq);
            }}
          />
        )}
        <MenuItem
          label={w.copy}
          testId="copy-chat"
          onChoose={() => {
            onClose();
            void copy(plainText(said));
          }}
        />
        {seq !== undefined && rules?.mayModerate && (
          <MenuItem
            label={isPinned ? w.unpin : w.pin}
            testId="pin-chat"
            onChoose={() => {
              onClose();
              void pin(roomId, isPinned ? undefined : seq);
            }}
          />
        )}
        {seq !== undefined && !isOwn && (
          <>
            <BlockItem open={open} onClose={onClose} />
            <ReportItem open={{ ...open, text: said }} />
          </>
        )}
        {seq !== undefined && isOwn && (
          <MenuItem
            label={w.edit}
            testId="edit-chat"
            onChoose={() => {
              onClose();
              editing.value = { roomId, seq, text: said };
            }}
          />
        )}
        {seq !== undefined && (isOwn || rules?.isAbove(entry?.user_id ?? '')) && (
          <MenuItem
            label={w.remove}
            testId="delete-chat"
            isDanger
            onChoose={() => (acting.value = { ...open, what: 'delete', text: said })}
          />
        )}
      </div>
      {reactions.length > 0 && (
        <ul class="who" aria-label={texts.value.chat.reactions}>
          {reactions.map(([emoji, userIds]) => (
            <li key={emoji}>
              <span>{emoji}</span>
              <span>{userIds.map((each) => nameOf(each)).join(', ')}</span>
            </li>
          ))}
        </ul>
      )}
    </Sheet>
  );
}

async function pin(roomId: string, seq: number | undefined): Promise<void> {
  try {
    await session().ask('room.pin', { room_id: roomId, ...(seq ? { seq } : {}) });
  } catch (error) {
    void sayFailure(failureCode(error));
  }
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(words.peek().copied);
  } catch {
    say(words.peek().notCopied);
  }
}
