import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import type { ActionsProps } from '../actions';
import { say, session, watch } from '../app';
import { Avatar, Dialog, FailureText, nameOf, useAttempt } from '../parts';
import { rulesOf } from './of';
import { memberTexts } from './memberTexts';
import { ruleTexts } from './texts';

/** How long somebody can be silenced, in seconds. */
const SILENCES = [600, 3600, 24 * 3600, 7 * 24 * 3600];

/** The same, called from a person's menu. */
export function ManageDialog({ open, onClose }: ActionsProps) {
  const room = session().rooms.get(open.roomId);
  useEffect(() => {
    if (!room) onClose();
  }, [room]);
  return room ? <MemberDialog room={room} userId={open.userId} onClose={onClose} /> : null;
}

interface MemberDialogProps {
  room: RoomState;
  userId: string;
  onClose(): void;
}

type Step = 'choose' | 'silence' | 'kick' | 'transfer';

/** What one may do to a member, one question at a time; what one may not is not there. */
function MemberDialog({ room, userId, onClose }: MemberDialogProps) {
  watch(`room:${room.id}`, 'users');
  const t = memberTexts.value;
  const here = session();
  const [step, setStep] = useState<Step>('choose');
  const [ban, setBan] = useState(false);
  const { error, isBusy, attempt } = useAttempt();
  const rules = rulesOf(room);
  const name = nameOf(userId);
  const isHost = rules.roleOf(here.me?.user_id ?? '') === 'host';
  const isManager = rules.roleOf(userId) === 'manager';
  const isSilenced = room.members.isSilenced(userId, here.now());
  // One's own role may be taken away meanwhile.
  const mayStill = rules.isAbove(userId) && (isHost || step !== 'transfer');
  useEffect(() => {
    if (!mayStill) onClose();
  }, [mayStill]);

  const run = (what: () => Promise<unknown>, done: string) =>
    attempt(async () => {
      await what();
      onClose();
      say(done);
    });
  const whom = { room_id: room.id, user_id: userId };
  const setRole = (role: 'manager' | 'member') =>
    run(() => here.ask('room.set_role', { ...whom, role }), t.done[role](name));
  const silence = (seconds: number) =>
    run(
      () => here.ask('room.silence', { ...whom, seconds }),
      (seconds ? t.done.silence : t.done.heard)(name),
    );

  return (
    <Dialog title={name} class="member-dialog" testId="member-dialog" onClose={onClose}>
      <div class="member-card">
        <Avatar userId={userId} name={name} />
        {isManager && <span class="tag">{t.manager}</span>}
        {isSilenced && <span class="tag">{t.silenced}</span>}
      </div>
      {step === 'choose' && (
        <div class="member-ways">
          {isHost && (
            <Way
              label={isManager ? t.makeMember : t.makeManager}
              hint={isManager ? '' : t.makeManagerHint}
              testId="set-role"
              isBusy={isBusy}
              onChoose={() => void setRole(isManager ? 'member' : 'manager')}
            />
          )}
          {isHost && (
            <Way label={t.transfer} testId="transfer" onChoose={() => setStep('transfer')} />
          )}
          <Way label={t.silence} testId="silence" onChoose={() => setStep('silence')} />
          {isSilenced && (
            <Way
              label={t.silenceEnd}
              testId="silence-0"
              isBusy={isBusy}
              onChoose={() => void silence(0)}
            />
          )}
          <Way label={t.kick} testId="kick" isDanger onChoose={() => setStep('kick')} />
        </div>
      )}
      {step === 'silence' && (
        <div class="member-ways" role="group" aria-label={t.silenceFor}>
          <p class="muted small">{t.silenceText}</p>
          {SILENCES.map((seconds) => (
            <Way
              key={seconds}
              label={ruleTexts.value.time(seconds)}
              testId={`silence-${seconds}`}
              isBusy={isBusy}
              onChoose={() => void silence(seconds)}
            />
          ))}
        </div>
      )}
      {step === 'transfer' && <p>{t.transferText(name)}</p>}
      {step === 'kick' && (
        <>
          <p>{t.kickText(name)}</p>
          <label class="switch">
            <span>
              <b>{t.ban}</b>
              <span class="muted small" id="ban-hint">
                {t.banHint}
              </span>
            </span>
            <input
              type="checkbox"
              role="switch"
              data-testid="ban"
              aria-label={t.ban}
              aria-describedby="ban-hint"
              checked={ban}
              onChange={(event) => setBan(event.currentTarget.checked)}
            />
          </label>
        </>
      )}
      {error && <FailureText code={error} />}
      <div class="button-row end">
        {step === 'choose' ? (
          <button type="button" class="button" data-testid="member-close" onClick={onClose}>
            {texts.value.close}
          </button>
        ) : (
          <button type="button" class="button" onClick={() => setStep('choose')}>
            {t.back}
          </button>
        )}
        {step === 'transfer' && (
          <Confirm isBusy={isBusy}
            onConfirm={() =>
              void run(() => here.ask('room.transfer', whom), t.done.transfer(name))
            }
          >
            {t.transfer}
          </Confirm>
        )}
        {step === 'kick' && (
          <Confirm isBusy={isBusy}
            onConfirm={() =>
              void run(() => here.ask('room.kick', { ...whom, ban }), t.done.kick(name))
            }
          >
            {t.kick}
          </Confirm>
        )}
      </div>
    </Dialog>
  );
}

interface WayProps {
  label: string;
  hint?: string;
  testId: string;
  isDanger?: boolean;
  isBusy?: boolean;
  onChoose(): void;
}

function Way({ label, hint, testId, isDanger, isBusy, onChoose }: WayProps) {
  return (
    <button
      type="button"
      class={`member-way ${isDanger ? 'is-danger' : ''}`}
      data-testid={testId}
      disabled={isBusy}
      onClick={onChoose}
    >
      {label}
      {hint && <span class="muted small">{hint}</span>}
    </button>
  );
}

interface ConfirmProps {
  isBusy: boolean;
  onConfirm(): void;
  children: ComponentChildren;
}

function Confirm({ isBusy, onConfirm, children }: ConfirmProps) {
  return (
    <button
      type="button"
      class="button danger"
      data-testid="member-confirm"
      disabled={isBusy}
      onClick={onConfirm}
    >
      {children}
    </button>
  );
}
