import { useState } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { session, watch } from '../app';
import { Icon } from '../art';
import { chatAt, jumpTo } from '../chat/acting';
import { sayFailure } from '../failure';
import { plainText } from '../mentions';
import { IconButton, nameOf } from '../parts';
import { rulesOf } from './of';
import { ruleTexts } from './texts';

/** Which pins were folded, for as long as the page is open: another pin is unfolded. */
const folded = new Map<string, number>();

/** The chat that stands at the top of a room, as it is now; leads to its place. */
export function PinBar({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users');
  const [, setCount] = useState(0);
  const { pinned, mayModerate } = rulesOf(room);
  if (!pinned) return null;
  const chat = chatAt(room.id, pinned.seq) ?? session().quoted(room.id, pinned.seq);
  // Not known yet, or deleted: that takes it from here, too.
  if (!chat || chat.deleted) return null;
  const t = ruleTexts.value.pin;
  const isFolded = folded.get(room.id) === pinned.seq;
  const fold = () => {
    if (isFolded) folded.delete(room.id);
    else folded.set(room.id, pinned.seq);
    setCount((count) => count + 1);
  };
  const remove = async () => {
    try {
      await session().ask('room.pin', { room_id: room.id });
    } catch (error) {
      void sayFailure(failureCode(error));
    }
  };
  return (
    <section class={`pin ${isFolded ? 'is-folded' : ''}`} aria-label={t.label} data-testid="pin">
      <button
        type="button"
        class="pin-words"
        data-testid="pin-jump"
        title={t.jump}
        onClick={() => void jumpTo(room.id, pinned.seq)}
      >
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
          <path d="M9 4h6l-.5 6 3.500 3.500H6L9.500 10ZM12 13.500V20" />
        </svg>
        <span class="pin-text">
          <span dir="auto">{plainText(chat.text ?? '')}</span>
          {!isFolded && <small class="muted">{t.by(nameOf(pinned.user_id))}</small>}
        </span>
      </button>
      {mayModerate && !isFolded && (
        <IconButton name="close" label={t.remove} testId="pin-remove" onClick={() => void remove()} />
      )}
      <button
        type="button"
        class="icon-button pin-fold"
        aria-label={isFolded ? t.unfold : t.fold}
        aria-expanded={!isFolded}
        title={isFolded ? t.unfold : t.fold}
        data-testid="pin-fold"
        onClick={fold}
      >
        <Icon name="down" />
      </button>
    </section>
  );
}
