import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConnectionState } from '../core/connection';
import { texts } from '../i18n';
import { session, watch } from './app';

/** A connection that is back within this was never worth a word. */
const QUIET_MS = 900;
/** The first one is waited for by pages that show so themselves, and would be moved by the line. */
const FIRST_QUIET_MS = 4_000;
const RESTORED_MS = 2_500;

type Shown = 'online' | 'connecting' | 'waiting' | 'offline' | 'restored';

function shownOf(state: ConnectionState): Shown {
  if (state === 'online' || state === 'waiting' || state === 'offline') return state;
  return 'connecting';
}

/** Quiet while all is well; says it when the connection is gone, and when it is back. */
export function StatusLine() {
  watch('connection');
  const state = shownOf(session().connection.state);
  const [shown, setShown] = useState<Shown>('online');
  const wasGone = useRef(false);
  const isOnline = state === 'online';

  useEffect(() => {
    if (!isOnline) {
      const timer = setTimeout(
        () => {
          wasGone.current = true;
          setShown(state);
        },
        state === 'offline' || wasGone.current ? 0 : session().ready ? QUIET_MS : FIRST_QUIET_MS,
      );
      return () => clearTimeout(timer);
    }
    if (!wasGone.current) return;
    wasGone.current = false;
    setShown('restored');
    const timer = setTimeout(() => setShown('online'), RESTORED_MS);
    return () => clearTimeout(timer);
  }, [state, isOnline]);

  return (
    <div
      class={shown === 'online' ? 'hidden' : 'status'}
      role="status"
      data-testid="connection-status"
      data-state={state}
    >
      <span class="dot" aria-hidden="true" />
      <span>{shown === 'online' ? '' : texts.value.status[shown]}</span>
    </div>
  );
}
