import { useState } from 'preact/hooks';
import { Failure } from '../../core/failure';
import { PASSCODE_MAX, PASSCODE_MIN } from '../../protocol';
import { passcodeTexts } from '../../i18n/passcode';
import { session } from '../app';
import { keepComposing } from '../keys';
import { Blank, ErrorText, FailureText, useAttempt } from '../parts';
import { lengthOf } from '../rows';

/** A room that asks for a passcode, asks. */
export function Passcode({ roomId }: { roomId: string }) {
  const t = passcodeTexts.value;
  const here = session();
  const [text, setText] = useState('');
  /** So many minutes more it can't be tried. */
  const [waitMinutes, setWait] = useState(0);
  const { error, setError, isBusy, attempt } = useAttempt();
  const length = lengthOf(text.trim());
  const canEnter = length >= PASSCODE_MIN && length <= PASSCODE_MAX && !isBusy;
  const enter = () =>
    attempt(async () => {
      setWait(0);
      try {
        const at = { room_id: roomId, passcode: text.trim(), limit: 1 };
        const { room, users } = await here.ask('room.enter', at);
        here.hear({ type: 'room.joined', room, users });
      } catch (failure) {
        if (failure instanceof Failure) setWait(Math.ceil(failure.retryAfterMs / 60_000));
        throw failure;
      }
      here.reenter();
    });
  return (
    <Blank
      title={t.title}
      text={t.text}
      more={
        <form
          class="passcode"
          onSubmit={(event) => {
            event.preventDefault();
            if (canEnter) void enter();
          }}
        >
          <label class="hidden" for="passcode">
            {t.label}
          </label>
          <div class="field-row">
            <input
              id="passcode"
              class="input"
              data-testid="passcode"
              placeholder={t.label}
              value={text}
              autocomplete="off"
              enterkeyhint="go"
              aria-invalid={error === 'passcode_wrong'}
              onInput={(event) => {
                setText(event.currentTarget.value);
                setError('');
              }}
              onKeyDown={keepComposing}
            />
            <button class="button primary" data-testid="passcode-enter" disabled={!canEnter}>
              {t.enter}
            </button>
          </div>
          {error === 'too_fast' && waitMinutes > 0 ? (
            <ErrorText text={t.wait(waitMinutes)} />
          ) : (
            error && <FailureText code={error} />
          )}
        </form>
      }
    >
      <a class="button" href="/rooms">
        {t.toRooms}
      </a>
    </Blank>
  );
}
