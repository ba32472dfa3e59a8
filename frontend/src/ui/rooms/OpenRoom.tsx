import { ROOM_NAME_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { roomsTexts } from '../../i18n/rooms';
import { isWide, say, session } from '../app';
import { isComposing, keepComposing } from '../keys';
import { Counter, FailureText, useAttempt } from '../parts';
import { lengthOf } from '../rows';
import { navigate } from '../router';

interface OpenRoomProps {
  name: string;
  /** What is typed is looked for among all rooms, not among one's own. */
  isBrowsing: boolean;
  onName(name: string): void;
}

/** The box that finds a room by its name, or makes it; the list shows one's own meanwhile. */
export function OpenRoom({ name, isBrowsing, onName }: OpenRoomProps) {
  const t = roomsTexts.value;
  const { error, setError, isBusy, attempt } = useAttempt();
  const isTooLong = lengthOf(name.trim()) > ROOM_NAME_MAX;
  const write = (next: string) => {
    onName(next);
    setError('');
  };

  const open = async () => {
    const { room, created } = await session().openRoom(name.trim());
    onName('');
    navigate(`/rooms/${room.room_id}`);
    if (!isWide.peek()) return;
    // The log itself says that a room was created.
    if (!created) say(roomsTexts.peek().found(room.name));
    // It may be the room that is open already.
    document.getElementById('composer')?.focus();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (name.trim() && !isTooLong && !isBusy) void attempt(open);
  };

  return (
    <form class="open-room" id="open-room-form" onSubmit={submit}>
      <label class="hidden" for="open-room">
        {t.openLabel}
      </label>
      <div class="field-row">
        <input
          id="open-room"
          class="input"
          data-testid="open-room-input"
          value={name}
          placeholder={isBrowsing ? t.browsePlaceholder : t.openPlaceholder}
          autocomplete="off"
          enterkeyhint="go"
          aria-describedby="open-room-hint"
          aria-invalid={isTooLong || error !== ''}
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            keepComposing(event);
            if (event.key === 'Escape' && !isComposing(event)) write('');
          }}
        />
        <button
          class="button primary"
          data-testid="open-room-submit"
          disabled={!name.trim() || isTooLong || isBusy}
        >
          {t.openButton}
        </button>
      </div>
      <p class="hint" id="open-room-hint">
        <span>{isTooLong ? texts.value.rooms.tooLong(ROOM_NAME_MAX) : t.openHint}</span>
        <Counter text={name.trim()} most={ROOM_NAME_MAX} />
      </p>
      {error && <FailureText code={error} />}
    </form>
  );
}
