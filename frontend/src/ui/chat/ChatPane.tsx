import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { isTemporary } from '../../core/failure';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { Icon, OutOfBounds } from '../art';
import { chunk } from '../chunk';
import { Chunked } from '../Chunked';
import { Blank, IconButton } from '../parts';
import { ActingLayer } from './ActingLayer';
import { Composer } from './Composer';
import { LogView } from './LogView';

const asides = chunk(() => import('./asides'));

/** One room: entering it, what is said in it, and what happens when it is no more. */
export function ChatPane({ roomId }: { roomId: string }) {
  watch(`room:${roomId}`, 'rooms');
  const here = session();
  const t = texts.value;
  useEffect(() => {
    here.show(roomId);
    return () => here.show(null);
  }, [roomId]);

  const { view } = here;
  const room = here.rooms.get(roomId);
  if (view.state === 'removed') {
    return (
      <Bare name={here.roomName(roomId)}>
        <Blank
          art={<OutOfBounds />}
          title={t.chat.removed[view.why]}
          isAlert
          more={<Unsent texts={view.unsent} />}
        >
          <a class="button primary" href="/rooms">
            {t.chat.toRooms}
          </a>
          {view.why !== 'closed' && (
            <button type="button" class="button" onClick={() => here.reenter()}>
              {t.chat.enterAgain}
            </button>
          )}
        </Blank>
      </Bare>
    );
  }
  if (view.state === 'failed') {
    const unsent = here.outgoing(roomId).filter((item) => item.state !== 'sent');
    const canRetry = isTemporary(view.code);
    return (
      <Bare name={here.roomName(roomId)}>
        <Blank
          art={<OutOfBounds />}
          title={t.chat.failedTitle}
          text={t.errors[view.code]}
          isAlert
          more={<Unsent texts={unsent.map((item) => item.text)} />}
        >
          {canRetry && (
            <button type="button" class="button primary" onClick={() => here.reenter()}>
              {t.retry}
            </button>
          )}
          <a class={`button ${canRetry ? '' : 'primary'}`} href="/rooms">
            {t.chat.toRooms}
          </a>
        </Blank>
      </Bare>
    );
  }
  if (!room?.loaded) return <ChatSkeleton name={here.roomName(roomId)} />;
  return <OpenRoom room={room} />;
}

function OpenRoom({ room }: { room: RoomState }) {
  watch(`room:${room.id}`, 'users');
  const t = texts.value;
  const [panel, setPanel] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const panelButton = useRef<HTMLButtonElement>(null);
  const closePanel = () => {
    setPanel(false);
    panelButton.current?.focus();
  };
  return (
    <div class="chat">
      <header class="chat-head">
        <BackLink />
        <div class="chat-title">
          <h2>{room.name}</h2>
          <span class="muted small">{t.chat.memberCount(room.memberCount)}</span>
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
          name="leave"
          label={t.leave.button}
          testId="leave-room"
          onClick={() => setLeaving(true)}
        />
      </header>
      <div class="chat-body">
        <div class="chat-main">
          <LogView room={room} />
          <Composer roomId={room.id} />
        </div>
        {panel && (
          <Chunked chunk={asides} title={t.chat.members} onClose={closePanel}>
            {({ MemberPanel }) => <MemberPanel room={room} onClose={closePanel} />}
          </Chunked>
        )}
      </div>
      <ActingLayer />
      {leaving && (
        <Chunked chunk={asides} title={t.leave.button} onClose={() => setLeaving(false)}>
          {({ LeaveDialog }) => <LeaveDialog room={room} onClose={() => setLeaving(false)} />}
        </Chunked>
      )}
    </div>
  );
}

function BackLink() {
  return (
    <a class="icon-button back" href="/rooms" aria-label={texts.value.chat.back}>
      <Icon name="back" />
    </a>
  );
}

/** What was written and did not get there: to be read and copied. */
function Unsent({ texts: unsent }: { texts: readonly string[] }) {
  if (!unsent.length) return null;
  return (
    <div class="unsent" data-testid="unsent">
      <h3>{texts.value.chat.unsent(unsent.length)}</h3>
      <ul>
        {unsent.map((text, i) => (
          <li key={i}>{text}</li>
        ))}
      </ul>
    </div>
  );
}

function Bare({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div class="chat">
      <header class="chat-head">
        <BackLink />
        <div class="chat-title">
          <h2>{name}</h2>
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
          <h2>{name || '\u00a0'}</h2>
          <span class="muted small">{t.loading}</span>
        </div>
      </header>
      <div class="chat-body">
        <div class="chat-main">
          <div class="log" aria-hidden="true">
            <div class="log-inner">
              {[0, 1, 2, 3, 4].map((i) => (
                <div key={i} class={`line ${i % 3 === 1 ? 'is-own' : ''} is-first`}>
                  {i % 3 !== 1 && <span class="avatar skeleton" />}
                  <span class={`skeleton bubble-skeleton bar-${i % 3}`} />
                </div>
              ))}
            </div>
          </div>
          <Composer roomId={null} />
        </div>
      </div>
    </div>
  );
}
