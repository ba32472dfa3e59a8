import { computed } from '@preact/signals';
import { useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { wayInOf } from '../../core/ways';
import { lang } from '../../i18n';
import { chunk } from '../chunk';
import { Chunked } from '../Chunked';
import { rulesOf } from '../rules/of';

/** Making links, and drawing them as QR codes. */
const invite = chunk(() => import('../invite'));
const inviteText = computed(() => (lang.value === 'ko' ? '초대하기' : 'Invite people'));

/** Whether oneself may make links into a room; into one that is open, everybody may. */
export function mayInvite(room: RoomState): boolean {
  if (room.partnerId) return false;
  return wayInOf(room).access === 'open' || rulesOf(room).mayModerate;
}

/** Over the members of a room: has more of them. */
export function InviteButton({ room }: { room: RoomState }) {
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <button
        type="button"
        class="button primary members-invite"
        data-testid="invite"
        onClick={() => setOpen(true)}
      >
        {inviteText.value}
      </button>
      {isOpen && (
        <Chunked chunk={invite} title={inviteText.value} onClose={close}>
          {({ InviteDialog }) => <InviteDialog room={room} onClose={close} />}
        </Chunked>
      )}
    </>
  );
}
