import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { isWide, session, watch } from '../app';
import { Icon } from '../art';
import { Chunked, NotLoaded } from '../Chunked';
import { asides, ends, log, match } from '../chunks';
import { IconButton } from '../parts';
import { ActingLayer } from './ActingLayer';
import { Composer } from './Composer';
import type { LeavingWay } from './LeaveDialog';
import { TypingLine } from './TypingLine';

/** One room: entering it, what is said in it, and what happens when it is no more. */
export function ChatPane({ roomId }: { roomId: string }) {
  watch(`room:${roomId}`, 'rooms', 'connection');
  const here = session();
  useEffect(() => {
    here.show(roomId);
    return () => here.show(null);
  }, [roomId]);

  const { view } = here;
  const room = here.rooms.get(roomId);
  if (view.state === 'removed' || view.state === 'failed') {
    const name = here.roomName(roomId);
    return (
      <Bare name={name}>
        <Chunked chunk={ends} title={name}>
          {({ RoomEnd }) => <RoomEnd roomId={roomId} view={view} />}
        </Chunked>
      </Bare>
    );
  }
  if (!room?.loaded) {
    const name = here.roomName(roomId);
    if (here.connection.state !== 'offline') return <ChatSkeleton name={name} />;
    return (
      <Bare name={name}>
        <Chunked chunk={ends} title={name}>
          {({ Offline }) => <Offline />}
        </Chunked>
      </Bare>
    );
  }
  return <OpenRoom room={room} />;
}

function OpenRoom({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users');
  const t = texts.value;
  const [panel, setPanel] = useState(false);
  const [aside, setAside] = useState<'' | 'settings' | LeavingWay>('');
  const panelButton = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (room.partnerId) match.load();
  }, [room.partnerId]);
  const Pair = room.partnerId && match.module?.PairBar;
  const closePanel = () => {
    setPanel(false);
    panelButton.current?.focus();
  };
  return (
    <div class="chat">
      <header class="chat-head">
        <BackLink />
        <div class="chat-title">
          <RoomTitle name={room.name} />
          <span class="muted small">
            {t.chat.memberCount(room.memberCount)}
            {room.muted && ` · ${t.rooms.muted}`}
          </span>
        </div>
        <IconButton
          name="members"
          label={t.chat.members}
          testId="show-members"
          isPressed={panel}
          buttonRef={panelButton}
          onClick={() => setPanel(!panel)}
        />
        <IconButton
          name="settings"
          label={t.chat.settings}
          testId="room-settings"
          onClick={() => setAside('settings')}
        />
      </header>
      <div class="chat-body">
        <div class="chat-main">
          <Log room={room} />
          <TypingLine roomId={room.id} />
          {Pair && <Pair room={room} />}
          {(!room.partnerId || room.memberCount > 1) && <Composer roomId={room.id} />}
        </div>
        {panel && (
          <Chunked chunk={asides} title={t.chat.members} onClose={closePanel}>
            {({ MemberPanel }) => <MemberPanel room={room} onClose={closePanel} />}
          </Chunked>
        )}
      </div>
      <ActingLayer roomId={room.id} />
      {aside && (
        <Chunked chunk={asides} title={t.chat.settings} onClose={() => setAside('')}>
          {({ LeaveDialog, RoomSettings }) =>
            aside === 'settings' ? (
              <RoomSettings room={room} onLeave={setAside} onClose={() => setAside('')} />
            ) : (
              <LeaveDialog room={room} first={aside} onClose={() => setAside('')} />
            )
          }
        </Chunked>
      )}
    </div>
  );
}

/** Beside the list of rooms a part of the page, else the page; reserves its line while unknown. */
function RoomTitle({ name }: { name: string }) {
  const Heading = isWide.value ? 'h2' : 'h1';
  return <Heading>{name || <span class="hidden">{texts.value.loading}</span>}</Heading>;
}

function BackLink() {
  return (
    <a class="icon-button back" href="/rooms" aria-label={texts.value.chat.back}>
      <Icon name="back" />
    </a>
  );
}

function Bare({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="chat">
      <header class="chat-head">
        <BackLink />
        <div class="chat-title">
          <RoomTitle name={name || texts.value.rooms.title} />
        </div>
      </header>
      {children}
    </div>
  );
}

function ChatSkeleton({ name }: { name: string }) {
  const t = texts.value;
  return (
    <div class="chat" aria-busy="true">
      <header class="chat-head">
        <BackLink />
        <div class="chat-title">
          <RoomTitle name={name} />
          <span class="muted small">{t.loading}</span>
        </div>
      </header>
      <div class="chat-body">
        <div class="chat-main">
          <LogSkeleton />
          <p class="typing" />
          <Composer roomId={null} />
        </div>
      </div>
    </div>
  );
}

function LogSkeleton() {
  return (
    <div class="log-frame" aria-hidden="true">
      <div class="log">
        <div class="log-inner">
          {[0, 1, 2, 3, 4].map((i) => (
            <div key={i} class={`line ${i % 3 === 1 ? 'is-own' : ''} is-first`}>
              {i % 3 !== 1 && <span class="avatar skeleton" />}
              <span class={`skeleton bubble-skeleton bar-${i % 3}`} />
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

/** What was said, once the code for it is there; mostly it is before the room is. */
function Log({ room }: { room: RoomState }) {
  watch('connection');
  const isOnline = session().connection.state === 'online';
  useEffect(() => {
    if (isOnline) void log.load();
  }, [isOnline]);
  const { module, hasFailed } = log;
  if (module) {
    return (
      <>
        <module.LogView room={room} />
        <module.Pinned room={room} />
      </>
    );
  }
  return hasFailed ? <NotLoaded chunk={log} title={texts.value.chat.log} /> : <LogSkeleton />;
}
