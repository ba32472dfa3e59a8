import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { say, session } from '../app';
import { Dialog, FailureText, useAttempt } from '../parts';
import { aboutBody, AboutFields, useAbout, withDraft } from './About';
import { directoryTexts } from './texts';

/** What the directory says of a room, as its host may change it. */
export function AboutDialog({ room, onClose }: { room: RoomState; onClose(): void }) {
  const t = directoryTexts.value;
  const fields = useAbout({ topic: room.ruled.topic ?? null, tags: room.ruled.tags ?? [] });
  const { error, isBusy, attempt } = useAttempt();
  const save = async () => {
    const { topic, tags } = withDraft(fields.about, fields.draft);
    await session().ask('room.describe', { room_id: room.id, ...aboutBody({ topic, tags }) });
    const { topic: _, ...rest } = room.ruled;
    room.ruled = { ...rest, ...(topic ? { topic } : {}), tags: [...tags] };
    say(directoryTexts.peek().saved);
    onClose();
  };
  return (
    <Dialog title={t.about} class="about" testId="about-dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(save);
        }}
      >
        <AboutFields {...fields} />
        {error && <FailureText code={error} />}
        <div class="button-row end">
          <button type="button" class="button" onClick={onClose}>
            {texts.value.cancel}
          </button>
          <button class="button primary" data-testid="about-save" disabled={isBusy}>
            {texts.value.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
