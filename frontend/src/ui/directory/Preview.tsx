import type { ListedRoom } from '../../protocol';
import { shortTimeText } from '../../i18n';
import { DialogButtons } from '../DialogButtons';
import { session, ticks } from '../app';
import { Avatar, Dialog } from '../parts';
import { navigate } from '../router';
import { isolated } from '../rows';
import { isFull } from './Row';
import { directoryTexts } from './texts';

interface PreviewProps {
  room: ListedRoom;
  onTag(tag: string): void;
  onClose(): void;
}

/** What one may know of a room before one is in it, and the way in. */
export function Preview({ room, onTag, onClose }: PreviewProps) {
  void ticks.value;
  const t = directoryTexts.value;
  const { said_at: at = 0, tags = [] } = room;
  const now = session().now();
  const enter = () => {
    onClose();
    navigate(`/rooms/${room.room_id}`);
  };
  return (
    <Dialog title={isolated(room.name)} class="preview" testId="preview" onClose={onClose}>
      <div class="preview-room">
        <Avatar userId={room.room_id} name={room.name} />
        <p class="muted">
          {t.people(room.member_count)}
          {' · '}
          {at ? t.talked(shortTimeText(at, now)) : t.quiet}
          <br />
          {t.created(shortTimeText(room.created_at, now))}
        </p>
      </div>
      {(room.topic || tags.length > 0) && (
        <p class="chips">
          {room.topic && <span class="browse-topic">{t.topics[room.topic]}</span>}
          {tags.map((tag) => (
            <button
              key={tag}
              type="button"
              class="chip"
              data-testid="preview-tag"
              onClick={() => onTag(tag)}
            >
              #{isolated(tag)}
            </button>
          ))}
        </p>
      )}
      <p class="muted small">{isFull(room) ? t.fullText : t.before}</p>
      <DialogButtons
        label={t.enter}
        testId="preview-enter"
        isReady={!isFull(room)}
        autofocus
        onCancel={onClose}
        onConfirm={enter}
      />
    </Dialog>
  );
}
