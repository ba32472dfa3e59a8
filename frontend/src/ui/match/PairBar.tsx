import type { RoomState } from '../../core/room';
import { session, watch } from '../app';
import { FailureText, nameOf, useAttempt } from '../parts';
import { navigate } from '../router';
import { matchTexts } from './texts';

/** Over the place where one writes in a room for two: whether it passes, who wants to keep it, and how to go on. */
export function PairBar({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users');
  const t = matchTexts.value;
  const here = session();
  const { error, isBusy, attempt } = useAttempt();
  if (room.memberCount < 2) return <PairOver room={room} />;
  const keepers = keepersOf(room);
  if (keepers.size > 1) return null;
  const hasAsked = keepers.has(here.me?.user_id ?? '');
  const isAsked = keepers.has(room.partnerId);
  const keep = () =>
    attempt(async () => {
      await here.connection.request('match.keep', { room_id: room.id });
    });
  return (
    <div class="pair-bar" role="group" aria-label={t.passing} data-testid="pair-bar">
      <p>
        <b>{isAsked ? t.askedYou(nameOf(room.partnerId)) : t.passing}</b>
        <span class="muted small">{hasAsked ? t.asked : t.passingText}</span>
      </p>
      <div class="button-row">
        {!hasAsked && (
          <button
            type="button"
            class={`button small ${isAsked ? 'primary' : ''}`}
            data-testid="match-keep"
            disabled={isBusy}
            onClick={() => void keep()}
          >
            {t.keep}
          </button>
        )}
        <button
          type="button"
          class="button small"
          data-testid="match-next"
          onClick={() => next(room.id)}
        >
          {t.next}
        </button>
      </div>
      {error && <FailureText code={error} />}
    </div>
  );
}

/** In place of where one writes: there is nobody any more to read it. */
function PairOver({ room }: { room: RoomState }) {
  const t = matchTexts.value;
  const { error, isBusy, attempt } = useAttempt();
  const leave = () =>
    attempt(async () => {
      await session().leave(room.id);
      navigate('/rooms', 'replace');
    });
  return (
    <div class="pair-over" role="status" data-testid="pair-over">
      <p>
        <b>{t.gone}</b>
        <span class="muted small">{t.goneText}</span>
      </p>
      <div class="button-row">
        <button
          type="button"
          class="button"
          data-testid="pair-leave"
          disabled={isBusy}
          onClick={() => void leave()}
        >
          {t.leave}
        </button>
        <button
          type="button"
          class="button primary"
          data-testid="match-next"
          onClick={() => next(room.id)}
        >
          {t.next}
        </button>
      </div>
      {error && <FailureText code={error} />}
    </div>
  );
}

/** The list of rooms asks, and looks for somebody: this room may be gone before anybody is found. */
function next(roomId: string): void {
  navigate(`/rooms?meet=${roomId}`);
}

/** Who wants to keep it: as the room was told, and by what has happened since. */
function keepersOf({ keepers, log }: RoomState): Set<string> {
  const found = new Set(keepers);
  for (const { kind, user_id: userId } of log.entries) {
    if (kind === 'keep_asked' || kind === 'kept') found.add(userId);
  }
  return found;
}
