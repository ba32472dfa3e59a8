import { useState } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { roomTexts } from '../../i18n/room';
import { session, watch } from '../app';
import { Chunked } from '../Chunked';
import { directory } from '../chunks';
import { Avatar, Dialog, FailureText, IconButton, nameOf, useFailure } from '../parts';
import { rulesOf } from '../rules/of';
import { Moderation } from '../rules/Moderation';
import { WayIn, wayInText } from '../rules/WayIn';
import type { LeavingWay } from './LeaveDialog';
import { RoomName } from './RoomName';

interface RoomSettingsProps {
  room: RoomState;
  onLeave(way: LeavingWay): void;
  onClose(): void;
}

/** What one can do with a room: call it something else, make it quiet, leave it. */
export function RoomSettings({ room, onLeave, onClose }: RoomSettingsProps) {
  watch(`room:${room.id}`, 'rooms', 'users');
  const t = { ...texts.value, room: roomTexts.value };
  const here = session();
  const isHost = room.hostId === here.me?.user_id;
  const [isDescribing, setDescribing] = useState(false);
  return (
    <Dialog title={t.chat.settings} class="room-settings" testId="settings-dialog" onClose={onClose}>
      <IconButton name="close" label={t.close} testId="settings-close" onClick={onClose} />
      {isHost ? (
        <RoomName room={room} />
      ) : (
        <div class="settings-room">
          <Avatar userId={room.partnerId || room.id} name={room.name} />
          <div>
            <strong>{room.name}</strong>
            <p class="muted small">
              {[
                room.partnerId ? t.room.pair : t.room.host(nameOf(room.hostId)),
                ...wayInText(room),
              ].join(' · ')}
            </p>
          </div>
        </div>
      )}
      {isHost && (
        <button
          type="button"
          class="button"
          data-testid="describe-room"
          onClick={() => setDescribing(true)}
        >
          {t.room.about}
        </button>
      )}
      {isDescribing && (
        <Chunked chunk={directory} title={t.room.about} onClose={() => setDescribing(false)}>
          {({ AboutDialog }) => <AboutDialog room={room} onClose={() => setDescribing(false)} />}
        </Chunked>
      )}
      <Mute room={room} />
      {isHost && <WayIn room={room} />}
      {rulesOf(room).mayModerate && <Moderation room={room} />}
      <section class="settings-ending">
        <h3 class="label">{t.room.ending}</h3>
        <button
          type="button"
          class="button danger-quiet"
          data-testid="leave-room"
          onClick={() => onLeave('hand-over')}
        >
          {isHost && room.memberCount > 1 ? t.room.leaveHost : t.room.leave}
        </button>
        {isHost && room.memberCount > 1 && (
          <button
            type="button"
            class="button danger-quiet"
            data-testid="close-room"
            aria-describedby="close-hint"
            onClick={() => onLeave('close')}
          >
            {t.room.close}
          </button>
        )}
        {isHost && room.memberCount > 1 && (
          <p class="muted small" id="close-hint">
            {t.room.closeHint}
          </p>
        )}
      </section>
    </Dialog>
  );
}

function Mute({ room }: { room: RoomState }) {
  watch('rooms');
  const t = { ...texts.value, room: roomTexts.value };
  const [error, setError] = useFailure();
  const set = async (on: boolean) => {
    setError('');
    try {
      await session().mute(room.id, on);
    } catch (failure) {
      setError(failureCode(failure));
    }
  };
  return (
    <>
      <label class="switch">
        <span>
          <b>{t.room.mute}</b>
          <span class="muted small" id="mute-hint">
            {t.room.muteHint}
          </span>
        </span>
        <input
          type="checkbox"
          role="switch"
          data-testid="mute"
          aria-label={t.room.mute}
          aria-describedby="mute-hint"
          checked={room.muted}
          onChange={(event) => void set(event.currentTarget.checked)}
        />
      </label>
      {error && <FailureText code={error} />}
    </>
  );
}
