import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { PRESENT_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { roomTexts } from '../../i18n/room';
import { session, ticks, watch } from '../app';
import { Icon } from '../art';
import { Avatar, ErrorText, IconButton, nameOf, Subheading } from '../parts';
import { AccountName, NicknameButton, ownNickname } from '../nickname/NicknameButton';
import { memberTexts } from '../rules/memberTexts';
import { rulesOf } from '../rules/of';
import { safetyTexts } from '../safety/texts';
import { acting } from './acting';
import { InviteButton, mayInvite } from './InviteButton';
import { usePresent } from './presence';

/** Members of a room: the host first, oneself, managers, those who are there, then as they came. */
export function membersInOrder(room: RoomState, present?: ReadonlySet<string>): string[] {
  const me = session().me?.user_id;
  const rules = rulesOf(room);
  const rank = (userId: string) => {
    if (userId === room.hostId) return 0;
    if (userId === me) return 1;
    if (rules.roleOf(userId) === 'manager') return 2;
    return present?.has(userId) ? 3 : 4;
  };
  return [...room.members.byId.values()]
    .sort((a, b) => rank(a.user_id) - rank(b.user_id) || a.joined_at - b.joined_at)
    .map((member) => member.user_id);
}

export function MemberPanel({ room, onClose }: { room: RoomState; onClose(): void }) {
  watch(`room:${room.id}`, 'users', 'connection');
  // What could not be loaded is asked for again as time passes.
  void ticks.value;
  const t = { ...texts.value, room: roomTexts.value };
  const here = session();
  const panel = useRef<HTMLElement>(null);
  const present = usePresent(room);
  useEffect(() => here.wantMembers(room.id));
  // Before it is seen: who presses Escape at once means this.
  useLayoutEffect(() => panel.current?.focus(), []);

  const { members } = room;
  const ids = membersInOrder(room, present.userIds);
  const hasFailed = !ids.length && members.state !== 'loading' && members.retryAt > 0;
  return (
    <aside
      ref={panel}
      class="members"
      aria-label={t.chat.members}
      tabIndex={-1}
      onKeyDown={(event) => {
        // Of a dialog that was opened from here, it means that.
        const isOverIt = (event.target as Element).closest('dialog');
        if (event.key === 'Escape' && !isOverIt) onClose();
      }}
    >
      <header class="members-head">
        <div>
          <Subheading>{t.chat.memberCount(room.memberCount)}</Subheading>
          <p class="muted small" role="status" data-testid="present">
            {present.userIds
              ? t.room.present(Math.min(present.count, room.memberCount), room.memberCount)
              : present.hasFailed
                ? t.room.presentFailed
                : '\u00a0'}
          </p>
        </div>
        <IconButton name="close" label={t.close} onClick={onClose} />
      </header>
      {mayInvite(room) && <InviteButton room={room} />}
      {hasFailed ? (
        <Failed text={t.room.membersFailed} onRetry={() => here.wantMembers(room.id, true)} />
      ) : ids.length === 0 ? (
        <MembersSkeleton />
      ) : (
        <ul>
          {ids.map((userId) => (
            <Person key={userId} room={room} userId={userId} present={present.userIds} />
          ))}
        </ul>
      )}
      {present.userIds && present.count > present.userIds.size && (
        <p class="muted small members-note">{t.room.presentMany(PRESENT_MAX)}</p>
      )}
      {members.after !== undefined && <MoreMembers room={room} />}
    </aside>
  );
}

interface PersonProps {
  room: RoomState;
  userId: string;
  present: ReadonlySet<string> | undefined;
}

function Person({ room, userId, present }: PersonProps) {
  watch(`room:${room.id}`, 'users');
  const t = { ...texts.value, room: roomTexts.value };
  const s = safetyTexts.value;
  const here = session();
  const isMe = userId === here.me?.user_id;
  const isPresent = isMe || present?.has(userId);
  const rules = rulesOf(room);
  const act = (near: Element) => {
    const about = { seq: undefined, text: '', userId, isOwn: false };
    acting.value = { what: 'person', roomId: room.id, ...about, near };
  };
  return (
    <li
      class="member"
      data-testid="member"
      data-user-id={userId}
      data-present={present ? isPresent : undefined}
      onContextMenu={(event) => {
        // A long press.
        if (isMe) return;
        event.preventDefault();
        act(event.currentTarget);
      }}
    >
      <span class="member-picture">
        <Avatar userId={userId} name={nameOf(userId)} />
        {present && isPresent && <span class="presence" aria-hidden="true" />}
      </span>
      <span class="member-name">
        {nameOf(userId)}
        {isMe && <AccountName room={room} />}
      </span>
      {present && <span class="hidden">{isPresent ? t.room.online : t.room.offline}</span>}
      {/* The account's name beside it says as much, and there is no place for both. */}
      {isMe && <span class={ownNickname(room) ? 'hidden' : 'tag'}>{t.chat.you}</span>}
      {here.blocks.has(userId) && <span class="tag">{s.tag}</span>}
      {userId === room.hostId && (
        <span class="tag host" data-testid="host">
          {t.chat.host}
        </span>
      )}
      {rules.roleOf(userId) === 'manager' && (
        <span class="tag" data-testid="manager">
          {memberTexts.value.manager}
        </span>
      )}
      {room.members.isSilenced(userId, here.now()) && (
        <span class="tag" data-testid="silenced">
          {memberTexts.value.silenced}
        </span>
      )}
      {isMe && !room.partnerId && <NicknameButton room={room} />}
      {!isMe && (
        <button
          type="button"
          class="icon-button"
          aria-label={s.more(nameOf(userId))}
          aria-haspopup="menu"
          data-testid="person-actions"
          onClick={(event) => act(event.currentTarget)}
        >
          <Icon name="more" />
        </button>
      )}
    </li>
  );
}

/** The next page of a large room. */
function MoreMembers({ room }: { room: RoomState }) {
  watch('connection');
  const t = { ...texts.value, room: roomTexts.value };
  const [state, setState] = useState<'' | 'loading' | 'failed'>('');
  const more = async () => {
    setState('loading');
    try {
      await session().moreMembers(room.id);
      setState('');
    } catch {
      setState('failed');
    }
  };
  if (state === 'failed') return <Failed text={t.room.membersFailed} onRetry={() => void more()} />;
  return (
    <button
      type="button"
      class="button"
      data-testid="more-members"
      disabled={state === 'loading'}
      onClick={() => void more()}
    >
      {state === 'loading' ? t.loading : t.chat.moreMembers}
    </button>
  );
}

function Failed({ text, onRetry }: { text: string; onRetry(): void }) {
  return (
    <div class="members-failed">
      <ErrorText text={text} />
      <button type="button" class="button" onClick={onRetry}>
        {texts.value.retry}
      </button>
    </div>
  );
}

function MembersSkeleton() {
  return (
    <div aria-busy="true">
      <span class="hidden">{texts.value.loading}</span>
      {[0, 1, 2].map((i) => (
        <div class="member" key={i} aria-hidden="true">
          <span class="avatar skeleton" />
          <span class={`skeleton bar bar-${i}`} />
        </div>
      ))}
    </div>
  );
}
