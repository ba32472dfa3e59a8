import { useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { NICKNAME_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { say, session } from '../app';
import { DialogButtons } from '../DialogButtons';
import { keepComposing } from '../keys';
import { Counter, Dialog, FailureText, useAttempt } from '../parts';
import { hasVisible, lengthOf } from '../rows';
import { nicknameTexts } from './texts';

interface NicknameDialogProps {
  room: RoomState;
  /** What one goes by in the room when this is opened; '' by the account's. */
  nickname: string;
  onClose(): void;
}

/** Takes a name for one room, or takes it back. */
export function NicknameDialog({ room, nickname, onClose }: NicknameDialogProps) {
  const t = nicknameTexts.value;
  const account = session().me?.nickname ?? '';
  const [text, setText] = useState(nickname);
  const { error, setError, isBusy, attempt } = useAttempt();
  const wanted = text.replace(/\s+/g, ' ').trim();
  const isTooLong = lengthOf(wanted) > NICKNAME_MAX;
  const isBlank = wanted !== '' && !hasVisible(wanted);
  const canSave = !isTooLong && !isBlank && !isBusy && wanted !== nickname;

  const save = () =>
    attempt(async () => {
      const name = wanted ? { nickname: wanted } : {};
      await session().ask('room.set_nickname', { room_id: room.id, ...name });
      say(wanted ? nicknameTexts.peek().changed : nicknameTexts.peek().taken);
      onClose();
    });

  return (
    <Dialog title={t.title} testId="nickname-dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (canSave) void save();
        }}
      >
        <div class="field-row">
          <input
            class="input"
            data-testid="room-nickname"
            value={text}
            placeholder={account}
            autocomplete="off"
            enterkeyhint="done"
            aria-label={t.title}
            aria-describedby="room-nickname-hint"
            aria-invalid={isTooLong || isBlank || error !== ''}
            onInput={(event) => {
              setText(event.currentTarget.value);
              setError('');
            }}
            onKeyDown={keepComposing}
          />
        </div>
        <p class="hint" id="room-nickname-hint">
          <span>{isTooLong ? t.tooLong(NICKNAME_MAX) : isBlank ? t.empty : t.hint}</span>
          <Counter text={wanted} most={NICKNAME_MAX} />
        </p>
        <p class="muted small nickname-told">{t.told}</p>
        {error && <FailureText code={error} />}
        <DialogButtons
          label={texts.value.save}
          testId="room-nickname-save"
          isReady={canSave}
          isBusy={isBusy}
          onCancel={onClose}
        />
      </form>
    </Dialog>
  );
}
