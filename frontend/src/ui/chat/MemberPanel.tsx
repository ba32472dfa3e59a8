import { useEffect, useRef } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { isWide, session, watch } from '../app';
import { Avatar, IconButton, nameOf } from '../parts';

/** Members of a room: the host first, then as they came. */
export function membersInOrder(room: RoomState): string[] {
  const rank = (userId: string) => (userId === room.hostId ? 0 : 1);
  return [...room.members.byId.values()]
    .sort((a, b) => rank(a.user_id) - rank(b.user_id) || a.joined_at - b.joined_at)
    .map((member) => member.user_id);
}

export function MemberPanel({ room, onClose }: { room: RoomState; onClose(): void }) {
  watch(`room:${room.id}`, 'users', 'connection');
  const t = texts.value;
  const here = session();
  const panel = useRef<HTMLElement>(null);
  useEffect(() => here.wantMembers(room.id));
  useEffect(() => panel.current?.focus(), []);

  const ids = membersInOrder(room);
  // One step below the room's own.
  const Heading = isWide.value ? 'h3' : 'h2';
  return (
    <aside
      ref={panel}
      class="members"
      aria-label={t.chat.members}
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header class="members-head">
        <Heading>{t.chat.memberCount(room.memberCount)}</Heading>
        <IconButton name="close" label={t.close} onClick={onClose} />
      </header>
      {ids.length === 0 ? (
        <div aria-busy="true">
          <span class="hidden">{t.loading}</span>
          {[0, 1, 2].map((i) => (
            <div class="member" key={i} aria-hidden="true">
              <span class="avatar skeleton" />
              <span class={`skeleton bar bar-${i}`} />
            </div>
          ))}
        </div>
      ) : (
        <ul>
          {ids.map((userId) => (
            <li class="member" key={userId} data-testid="member" data-user-id={userId}>
              <Avatar userId={userId} name={nameOf(userId)} />
              <span class="member-name">{nameOf(userId)}</span>
              {userId === here.me?.user_id && <span class="tag">{t.chat.you}</span>}
              {userId === room.hostId && (
                <span class="tag host" data-testid="host">
                  {t.chat.host}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {room.members.after !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => void here.moreMembers(room.id).catch(() => {})}
        >
          {t.chat.moreMembers}
        </button>
      )}
    </aside>
  );
}
