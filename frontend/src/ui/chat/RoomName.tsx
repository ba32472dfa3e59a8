import { useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { ROOM_NAME_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { roomTexts } from '../../i18n/room';
import { say, session, watch } from '../app';
import { keepComposing } from '../keys';
import { Counter, FailureText, useAttempt } from '../parts';
import { navigate } from '../router';
import { hasVisible, isolated, lengthOf } from '../rows';

/** A host calls the room something else. */
export function RoomName({ room }: { room: RoomState }) {
  watch('rooms');
  const t = { ...texts.value, room: roomTexts.value };
  /** Null while it is not being edited: then it shows what the room is called. */
  const [edited, setEdited] = useState<string | null>(null);
  const { error, setError, isBusy, attempt } = useAttempt();
  const name = edited ?? room.name;
  const wanted = name.replace(/\s+/g, ' ').trim();
  const isTooLong = lengthOf(wanted) > ROOM_NAME_MAX;
  const isEmpty = !hasVisible(wanted);
  const canSave = !isTooLong && !isEmpty && wanted !== room.name && !isBusy;

  const save = () =>
    attempt(async () => {
      await session().renameRoom(room.id, wanted);
      setEdited(null);
      say(roomTexts.peek().renamed);
    });
  const goThere = () =>
    attempt(async () => {
      const { room: other } = await session().openRoom(wanted);
      navigate(`/rooms/${other.room_id}`);
    });

  return (
    <form
      class="settings-name"
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave) void save();
      }}
    >
      <label class="label" for="room-name">
        {t.room.name}
      </label>
      <div class="field-row">
        <input
          id="room-name"
          class="input"
          data-testid="room-name-input"
          value={name}
          autocomplete="off"
          enterkeyhint="done"
          aria-describedby="room-name-hint"
          aria-invalid={isTooLong || isEmpty || error !== ''}
          onInput={(event) => {
            setEdited(event.currentTarget.value);
            setError('');
          }}
          onKeyDown={keepComposing}
        />
        <button class="button primary" data-testid="room-name-save" disabled={!canSave}>
          {t.save}
        </button>
      </div>
      <p class="hint" id="room-name-hint">
        <span>
          {isTooLong ? t.rooms.tooLong(ROOM_NAME_MAX) : isEmpty ? t.room.nameEmpty : t.room.nameHint}
        </span>
        <Counter text={wanted} most={ROOM_NAME_MAX} />
      </p>
      {error && <FailureText code={error} />}
      {error === 'room_name_taken' && (
        <div class="button-row">
          <button
            type="button"
            class="button"
            data-testid="go-there"
            disabled={isBusy}
            onClick={() => void goThere()}
          >
            <span>{t.room.goThere(isolated(wanted))}</span>
          </button>
        </div>
      )}
    </form>
  );
}
