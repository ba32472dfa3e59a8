import { useState } from 'preact/hooks';
import { ROOM_NAME_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { DialogButtons } from '../DialogButtons';
import { say, session } from '../app';
import { keepComposing } from '../keys';
import { Counter, Dialog, FailureText, useAttempt } from '../parts';
import { navigate } from '../router';
import { hasVisible, isolated, lengthOf } from '../rows';
import { aboutBody, AboutFields, useAbout, withDraft } from './About';
import { directory } from './shown';
import { directoryTexts } from './texts';
import { isWhole, wayBody, WayFields, type Way } from './Way';

interface NewRoomProps {
  name: string;
  onMade(): void;
  onClose(): void;
}

/** Making a room: what it is called, and what it is about. */
export function NewRoom({ name: first, onMade, onClose }: NewRoomProps) {
  const t = directoryTexts.value;
  const [name, setName] = useState(first);
  const fields = useAbout({ topic: directory().query.topic, tags: [] });
  const [way, setWay] = useState<Way>({ access: 'open', passcode: '' });
  const { error, setError, isBusy, attempt } = useAttempt();
  const wanted = name.replace(/\s+/g, ' ').trim();
  const isTooLong = lengthOf(wanted) > ROOM_NAME_MAX;
  const canMake = hasVisible(wanted) && !isTooLong && isWhole(way) && !isBusy;
  const make = async () => {
    const about = aboutBody(withDraft(fields.about, fields.draft));
    const { room, created } = await session().openRoom(wanted, { ...about, ...wayBody(way) });
    onMade();
    if (!created) say(directoryTexts.peek().exists(isolated(room.name)));
    navigate(`/rooms/${room.room_id}`);
  };
  return (
    <Dialog title={t.make} class="new-room" testId="new-room" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canMake) void attempt(make);
        }}
      >
        <label class="label" for="new-room-name">
          {t.name}
        </label>
        <div class="field-row">
          <input
            id="new-room-name"
            class="input"
            data-testid="new-room-name"
            value={name}
            placeholder={t.namePlaceholder}
            autocomplete="off"
            autofocus
            aria-describedby="new-room-hint"
            aria-invalid={isTooLong}
            onInput={(event) => {
              setName(event.currentTarget.value);
              setError('');
            }}
            onKeyDown={keepComposing}
          />
        </div>
        <p class="hint" id="new-room-hint">
          <span>{isTooLong ? texts.value.rooms.tooLong(ROOM_NAME_MAX) : '\u00a0'}</span>
          <Counter text={wanted} most={ROOM_NAME_MAX} />
        </p>
        <AboutFields {...fields} />
        <WayFields way={way} onWay={setWay} />
        {error && <FailureText code={error} />}
        <DialogButtons
          label={t.submit}
          testId="new-room-make"
          isReady={canMake}
          onCancel={onClose}
        />
      </form>
    </Dialog>
  );
}
