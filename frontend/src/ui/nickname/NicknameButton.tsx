import { useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { session } from '../app';
import { isolated } from '../rows';
import { NicknameDialog } from './NicknameDialog';
import { nicknameTexts } from './texts';

/** One's own name in a room, if it is another than the account's. */
export function ownNickname(room: RoomState): string {
  const here = session();
  return here.users.get(`${room.id}/${here.me?.user_id}`)?.nickname ?? '';
}

/** Under one's name in a room: what one is called elsewhere. Others are not told. */
export function AccountName({ room }: { room: RoomState }) {
  const { me } = session();
  if (!ownNickname(room) || !me) return null;
  return (
    <small class="muted" data-testid="account-name">
      {nicknameTexts.value.account(isolated(me.nickname))}
    </small>
  );
}

/** Beside oneself among the members: goes by another name in this room. */
export function NicknameButton({ room }: { room: RoomState }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        class="icon-button"
        aria-label={nicknameTexts.value.change}
        title={nicknameTexts.value.change}
        aria-haspopup="dialog"
        data-testid="change-nickname"
        onClick={() => setOpen(true)}
      >
        <svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
          <path d="M5 19h3.500L19 8.500 15.500 5 5 15.500V19ZM13 7.500l3.500 3.500" />
        </svg>
      </button>
      {isOpen && (
        <NicknameDialog room={room} nickname={ownNickname(room)} onClose={() => setOpen(false)} />
      )}
    </>
  );
}
