import { useEffect, useState } from 'preact/hooks';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { Avatar, ErrorText, nameOf } from '../parts';
import { block } from './block';
import { safetyTexts } from './texts';

/** Whom one has blocked, each with the way to end it. */
export function BlockedPeople() {
  watch('users', 'connection');
  const t = safetyTexts.value;
  const here = session();
  const [userIds, setUserIds] = useState<readonly string[]>([]);
  /** In which rooms one met those who go by another name there. */
  const [metIn, setMetIn] = useState<Record<string, string>>({});
  const [after, setAfter] = useState<string | undefined>();
  const [state, setState] = useState<'loading' | 'failed' | ''>('loading');
  const load = async (from?: string) => {
    setState('loading');
    try {
      const reply = await here.ask('user.blocks', from === undefined ? {} : { after: from });
      here.learn(reply.users);
      setUserIds((before) => (from === undefined ? reply.user_ids : [...before, ...reply.user_ids]));
      setMetIn((before) => ({ ...before, ...reply.met_in }));
      setAfter(reply.after);
      setState('');
    } catch {
      setState('failed');
    }
  };
  const isOnline = here.connection.state === 'online';
  useEffect(() => {
    if (isOnline) void load();
  }, [isOnline]);
  const called = (userId: string) => nameOf(userId, metIn[userId] ?? '');
  const blocked = userIds.filter((userId) => here.blocks.has(userId));
  return (
    <section class="card" data-testid="blocked-people">
      <h2>{t.blockedPeople}</h2>
      {blocked.length > 0 && (
        <ul class="blocked-list">
          {blocked.map((userId) => (
            <li key={userId}>
              <Avatar userId={userId} name={called(userId)} />
              <span>{called(userId)}</span>
              <button
                type="button"
                class="button small"
                data-testid="unblock"
                data-user-id={userId}
                aria-label={`${t.unblock}: ${called(userId)}`}
                onClick={() => void block(userId, false)}
              >
                {t.unblock}
              </button>
            </li>
          ))}
        </ul>
      )}
      {state === 'failed' && <ErrorText text={t.listFailed} />}
      {state === '' && !blocked.length && after === undefined && <p class="muted">{t.nobody}</p>}
      {state === 'loading' && !blocked.length && <p class="muted">{texts.value.loading}</p>}
      {(after !== undefined || state === 'failed') && (
        <button
          type="button"
          class="button"
          disabled={state === 'loading'}
          onClick={() => void load(state === 'failed' ? undefined : after)}
        >
          {state === 'failed' ? texts.value.retry : t.morePeople}
        </button>
      )}
    </section>
  );
}
