import { useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { wayInOf } from '../../core/ways';
import { ACCESSES, type Access } from '../../choices';
import {
  PASSCODE_MAX,
  PASSCODE_MIN,
  ROOM_CAPACITY_MAX,
  ROOM_CAPACITY_MIN,
} from '../../protocol';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { keepComposing } from '../keys';
import { FailureText, useAttempt } from '../parts';
import { lengthOf } from '../rows';
import { wayTexts } from './wayTexts';

/** What is said of it to who can't change it. */
export function wayInText(room: RoomState): string[] {
  const t = wayTexts.value;
  const { access, capacity } = wayInOf(room);
  return [t.shown[access], capacity ? t.people(capacity) : ''].filter(Boolean);
}

/** A host says who can join, and how many can be in the room. */
export function WayIn({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const t = wayTexts.value;
  return (
    <section class="settings-rules" aria-labelledby="way-in-title">
      <AccessChoice room={room} />
      <Capacity room={room} />
      <h3 class="hidden" id="way-in-title">
        {t.title}
      </h3>
    </section>
  );
}

function AccessChoice({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const t = wayTexts.value;
  const here = session();
  const { error, setError, isBusy, attempt } = useAttempt();
  const { access } = wayInOf(room);
  /** What was chosen, until it is so. */
  const [wish, setWish] = useState<Access | null>(null);
  const [passcode, setPasscode] = useState('');
  const [isSaved, setSaved] = useState(false);
  const chosen = wish ?? access;
  const length = lengthOf(passcode.trim());
  const canSave = length >= PASSCODE_MIN && length <= PASSCODE_MAX && !isBusy;

  const at = { room_id: room.id };
  const choose = async (next: Access) => {
    setError('');
    setSaved(false);
    setWish(next);
    // A passcode is to be chosen first.
    if (next === 'passcode') return;
    await attempt(async () => {
      await here.ask('room.set_access', { ...at, access: next });
    });
    setWish(null);
  };
  const save = () =>
    attempt(async () => {
      const code = { access: 'passcode', passcode: passcode.trim() } as const;
      await here.ask('room.set_access', { ...at, ...code });
      setPasscode('');
      setWish(null);
      setSaved(true);
    });
  return (
    <form
      class="way-in"
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave) void save();
      }}
    >
      <fieldset class="way-list" disabled={isBusy}>
        <legend class="label">{t.title}</legend>
        {ACCESSES.map((way) => (
          <label class="way" key={way}>
            <input
              type="radio"
              name="access"
              data-testid={`access-${way}`}
              aria-label={t.ways[way].label}
              aria-describedby={`access-${way}-hint`}
              checked={chosen === way}
              onChange={() => void choose(way)}
            />
            <span>
              {t.ways[way].label}
              <span class="muted small" id={`access-${way}-hint`}>
                {t.ways[way].hint}
              </span>
            </span>
          </label>
        ))}
      </fieldset>
      {chosen === 'passcode' && (
        <>
          <label class="label" for="passcode">
            {access === 'passcode' ? t.newPasscode : t.passcode}
          </label>
          <div class="field-row">
            <input
              id="passcode"
              class="input"
              data-testid="passcode-new"
              value={passcode}
              autocomplete="off"
              enterkeyhint="done"
              aria-describedby="passcode-hint"
              aria-invalid={length > PASSCODE_MAX}
              onInput={(event) => {
                setPasscode(event.currentTarget.value);
                setSaved(false);
              }}
              onKeyDown={keepComposing}
            />
            <button class="button primary" data-testid="passcode-save" disabled={!canSave}>
              {texts.value.save}
            </button>
          </div>
          <p class="hint" id="passcode-hint" role="status">
            {isSaved ? t.passcodeSaved : t.passcodeHint(PASSCODE_MIN, PASSCODE_MAX)}
          </p>
        </>
      )}
      {error && <FailureText code={error} />}
    </form>
  );
}

function Capacity({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const t = wayTexts.value;
  const { capacity } = wayInOf(room);
  const { error, isBusy, attempt } = useAttempt();
  /** Null while it is not being edited: then it shows what is so. */
  const [edited, setEdited] = useState<string | null>(null);
  const text = edited ?? (capacity ? String(capacity) : '');
  const [isSaved, setSaved] = useState(false);
  const wanted = text.trim() ? Number(text) : 0;
  const isGood =
    wanted === 0 ||
    (Number.isInteger(wanted) && wanted >= ROOM_CAPACITY_MIN && wanted <= ROOM_CAPACITY_MAX);
  const canSave = isGood && wanted !== capacity && !isBusy;
  const save = () =>
    attempt(async () => {
      await session().ask('room.set_capacity', { room_id: room.id, capacity: wanted });
      setEdited(null);
      setSaved(true);
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canSave) void save();
      }}
    >
      <label class="label" for="capacity">
        {t.capacity}
      </label>
      <div class="field-row">
        <input
          id="capacity"
          class="input"
          data-testid="capacity"
          inputMode="numeric"
          autocomplete="off"
          enterkeyhint="done"
          value={text}
          aria-describedby="capacity-hint"
          aria-invalid={!isGood}
          onInput={(event) => {
            setEdited(event.currentTarget.value);
            setSaved(false);
          }}
        />
        <button class="button primary" data-testid="capacity-save" disabled={!canSave}>
          {texts.value.save}
        </button>
      </div>
      <p class="hint" id="capacity-hint" role="status">
        {isSaved
          ? t.capacitySaved
          : isGood
            ? t.capacityHint(ROOM_CAPACITY_MIN)
            : t.capacityWrong(ROOM_CAPACITY_MIN, ROOM_CAPACITY_MAX)}
      </p>
      {error && <FailureText code={error} />}
    </form>
  );
}
