import { useEffect, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { INVITE_SECONDS, INVITE_USES } from '../../choices';
import { INVITE_SECONDS_DEFAULT, type Invite } from '../../protocol';
import { texts } from '../../i18n';
import { session } from '../app';
import { Dialog, FailureText, IconButton, useAttempt } from '../parts';
import { isolated } from '../rows';
import { ruleTexts } from '../rules/texts';
import { Links } from './Links';
import { Shown } from './Shown';
import { inviteTexts } from './texts';

export interface Link {
  invite: Invite;
  url: string;
}

/** The links that were made while this page is open, by their rooms: nobody is told them again. */
const made = new Map<string, Link>();

interface InviteDialogProps {
  room: RoomState;
  onClose(): void;
}

/** Makes links that let people into a room, shows the latest, and has the others revoked. */
export function InviteDialog({ room, onClose }: InviteDialogProps) {
  const t = inviteTexts.value;
  const here = session();
  const [invites, setInvites] = useState<readonly Invite[]>();
  const [seconds, setSeconds] = useState<number>(INVITE_SECONDS_DEFAULT);
  const [uses, setUses] = useState(0);
  const { error, isBusy, attempt } = useAttempt();
  const at = { room_id: room.id };
  const list = () =>
    attempt(async () => {
      const reply = await here.ask('invite.list', at);
      here.learn(reply.users);
      setInvites(reply.invites);
    });
  useEffect(() => void list(), []);
  const create = () =>
    attempt(async () => {
      const { invite, token } = await here.ask('invite.create', { ...at, seconds, uses });
      made.set(room.id, { invite, url: `${location.origin}/i/${room.id}/${token}` });
      setInvites((known = []) => [invite, ...known]);
    });
  const revoke = (id: string) =>
    attempt(async () => {
      await here.ask('invite.revoke', { ...at, invite_id: id });
      setInvites((known) => known?.filter((each) => each.invite_id !== id));
    });
  const last = made.get(room.id);
  // Revoked, used up or expired links are not shown as if they were good.
  const shown = last && invites?.some((each) => each.invite_id === last.invite.invite_id) && last;
  return (
    <Dialog title={t.title} class="invite-dialog" testId="invite-dialog" onClose={onClose}>
      <IconButton name="close" label={texts.value.close} testId="invite-close" onClick={onClose} />
      <p class="muted small invite-room">{t.into(isolated(room.name))}</p>
      {shown && <Shown link={shown} name={room.name} />}
      <form
        class="invite-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void create();
        }}
      >
        <Choice
          label={t.lasts}
          testId="invite-seconds"
          values={INVITE_SECONDS}
          value={seconds}
          text={(value) => ruleTexts.value.time(value)}
          onChoose={setSeconds}
        />
        <Choice
          label={t.uses}
          testId="invite-uses"
          values={INVITE_USES}
          value={uses}
          text={t.people}
          onChoose={setUses}
        />
        <button
          class={`button ${shown ? '' : 'primary'}`}
          data-testid="invite-create"
          disabled={isBusy || !invites}
        >
          {shown ? t.another : t.create}
        </button>
      </form>
      {error && <FailureText code={error} />}
      {error && !invites && (
        <button type="button" class="button" onClick={() => void list()}>
          {texts.value.retry}
        </button>
      )}
      {invites && invites.length > 0 && (
        <Links invites={invites} isBusy={isBusy} onRevoke={(id) => void revoke(id)} />
      )}
    </Dialog>
  );
}

interface ChoiceProps {
  label: string;
  testId: string;
  values: readonly number[];
  value: number;
  text(value: number): string;
  onChoose(value: number): void;
}

function Choice({ label, testId, values, value, text, onChoose }: ChoiceProps) {
  return (
    <label class="choice">
      <b>{label}</b>
      <select
        data-testid={testId}
        value={value}
        onChange={({ currentTarget }) => onChoose(Number(currentTarget.value))}
      >
        {values.map((each) => (
          <option key={each} value={each}>
            {text(each)}
          </option>
        ))}
      </select>
    </label>
  );
}
