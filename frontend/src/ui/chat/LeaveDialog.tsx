import { useEffect, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { leaveTexts } from '../../i18n/leave';
import { DialogButtons } from '../DialogButtons';
import { session, watch } from '../app';
import { Avatar, Dialog, FailureText, nameOf, useAttempt } from '../parts';
import { navigate } from '../router';
import { membersInOrder } from './MemberPanel';

export type LeavingWay = 'hand-over' | 'close';

interface LeaveDialogProps {
  room: RoomState;
  /** What a host is shown as chosen at first. */
  first: LeavingWay;
  onClose(): void;
}

/** Leaving is for good, so it is asked; a host also says what becomes of the room. */
export function LeaveDialog({ room, first, onClose }: LeaveDialogProps) {
  watch(`room:${room.id}`, 'users', 'connection');
  const t = { ...texts.value, leave: leaveTexts.value };
  const here = session();
  const [way, setWay] = useState(first);
  const [successor, setSuccessor] = useState('');
  const { error, isBusy, attempt } = useAttempt();
  useEffect(() => here.wantMembers(room.id));

  const myId = here.me?.user_id ?? '';
  const others = membersInOrder(room).filter((userId) => userId !== myId);
  const isAlone = room.memberCount <= 1;
  const mustChoose = room.hostId === myId && !isAlone;
  const chosen = others.includes(successor) ? successor : '';

  const leave = () =>
    attempt(async () => {
      if (!mustChoose) await here.leave(room.id);
      else if (way === 'close') await here.leave(room.id, { close: true });
      else await here.leave(room.id, { successor_id: chosen });
      navigate('/rooms', 'replace');
    });
  const staying = room.partnerId ? t.leave.pair : t.leave.text;
  const text = mustChoose ? t.leave.hostText : isAlone ? t.leave.alone : staying;
  const action = !mustChoose
    ? t.leave.confirm
    : way === 'close'
      ? t.leave.closeRoom
      : t.leave.handOver;

  return (
    <Dialog
      title={mustChoose ? t.leave.hostTitle : t.leave.title}
      testId="leave-dialog"
      onClose={() => !isBusy && onClose()}
    >
      <p>{text}</p>
      {mustChoose && (
        <div class="ways">
          <label class="way">
            <input
              type="radio"
              name="way"
              data-testid="leave-hand-over"
              checked={way === 'hand-over'}
              onChange={() => setWay('hand-over')}
            />
            <span>{t.leave.handOver}</span>
          </label>
          {way === 'hand-over' && (
            <div class="successors" role="radiogroup" aria-label={t.leave.successor}>
              {others.length === 0 && <p class="muted small">{t.loading}</p>}
              {others.map((userId) => (
                <label class="member" key={userId} data-testid="successor">
                  <input
                    type="radio"
                    name="successor"
                    value={userId}
                    checked={userId === chosen}
                    onChange={() => setSuccessor(userId)}
                  />
                  <Avatar userId={userId} name={nameOf(userId)} />
                  <span class="member-name">{nameOf(userId)}</span>
                </label>
              ))}
              {room.members.after !== undefined && (
                <button
                  type="button"
                  class="button small"
                  onClick={() => void here.moreMembers(room.id).catch(() => {})}
                >
                  {t.chat.moreMembers}
                </button>
              )}
            </div>
          )}
          <label class="way">
            <input
              type="radio"
              name="way"
              data-testid="leave-close"
              checked={way === 'close'}
              onChange={() => setWay('close')}
            />
            <span>{t.leave.closeRoom}</span>
          </label>
          {way === 'close' && <p class="way-text">{t.leave.closeText}</p>}
        </div>
      )}
      {error && <FailureText code={error} />}
      <DialogButtons
        label={action}
        testId="leave-confirm"
        isDanger={!mustChoose || way !== 'hand-over'}
        isReady={!mustChoose || way !== 'hand-over' || chosen !== ''}
        isBusy={isBusy}
        onCancel={onClose}
        onConfirm={() => void leave()}
      />
    </Dialog>
  );
}
