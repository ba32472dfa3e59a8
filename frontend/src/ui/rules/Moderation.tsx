import { useState } from 'preact/hooks';
import { SLOW_SECONDS } from '../../choices';
import type { Ban } from '../../protocol';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { session, watch } from '../app';
import { Chunked } from '../Chunked';
import { filter } from '../chunks';
import { Avatar, FailureText, nameOf, useAttempt } from '../parts';
import { rulesOf } from './of';
import { memberTexts } from './memberTexts';
import { ruleTexts } from './texts';

/** What hosts and managers change about a room, in its settings. */
export function Moderation({ room }: { room: RoomState }) {
  watch(`room:${room.id}`);
  const { room: t } = memberTexts.value;
  const here = session();
  const { error, isBusy, attempt } = useAttempt();
  /** What was chosen, while it is on its way. */
  const [wish, setWish] = useState<{ seconds?: number; on?: boolean }>({});
  const rules = rulesOf(room);
  const at = { room_id: room.id };
  const set = async (wanted: typeof wish, what: () => Promise<unknown>) => {
    setWish(wanted);
    await attempt(async () => void (await what()));
    setWish({});
  };
  return (
    <section class="settings-rules" aria-labelledby="rules-title">
      <h3 class="label" id="rules-title">
        {t.title}
      </h3>
      <label class="choice">
        <span>
          <b>{t.slow}</b>
          <span class="muted small" id="slow-hint">
            {t.slowHint}
          </span>
        </span>
        <select
          data-testid="slow"
          aria-label={t.slow}
          aria-describedby="slow-hint"
          disabled={isBusy}
          value={wish.seconds ?? rules.slowMs / 1000}
          onChange={({ currentTarget: { value } }) =>
            void set({ seconds: Number(value) }, () =>
              here.ask('room.slow', { ...at, seconds: Number(value) }),
            )
          }
        >
          {SLOW_SECONDS.map((seconds) => (
            <option key={seconds} value={seconds}>
              {seconds ? ruleTexts.value.time(seconds) : t.off}
            </option>
          ))}
        </select>
      </label>
      <label class="switch">
        <span>
          <b>{t.lock}</b>
          <span class="muted small" id="lock-hint">
            {t.lockHint}
          </span>
        </span>
        <input
          type="checkbox"
          role="switch"
          data-testid="lock"
          aria-label={t.lock}
          aria-describedby="lock-hint"
          disabled={isBusy}
          checked={wish.on ?? rules.isLocked}
          onChange={({ currentTarget: { checked: on } }) =>
            void set({ on }, () => here.ask('room.lock', { ...at, on }))
          }
        />
      </label>
      {error && <FailureText code={error} />}
      <Words room={room} />
      <Bans room={room} />
    </section>
  );
}

/** The room's own filter words, in a dialog of their own. */
function Words({ room }: { room: RoomState }) {
  const { room: t } = memberTexts.value;
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <div class="choice">
        <span>
          <b>{t.words}</b>
          <span class="muted small" id="words-hint">
            {t.wordsHint}
          </span>
        </span>
        <button
          type="button"
          class="button small"
          data-testid="show-words"
          aria-label={t.words}
          aria-describedby="words-hint"
          onClick={() => setOpen(true)}
        >
          {t.wordsEdit}
        </button>
      </div>
      {isOpen && (
        <Chunked chunk={filter} title={t.words} onClose={close}>
          {({ WordsDialog }) => <WordsDialog room={room} onClose={close} />}
        </Chunked>
      )}
    </>
  );
}

/** Who can't come in, when one asks for it, and letting them in again. */
function Bans({ room }: { room: RoomState }) {
  watch('users');
  const { room: t } = memberTexts.value;
  const here = session();
  const [bans, setBans] = useState<readonly Ban[]>();
  const [after, setAfter] = useState<string>();
  const { error, isBusy, attempt } = useAttempt();
  const at = { room_id: room.id };
  const load = () =>
    attempt(async () => {
      const reply = await here.ask('room.bans', after ? { ...at, after } : at);
      here.learn(reply.users);
      setBans((known = []) => [...known, ...reply.bans]);
      setAfter(reply.after);
    });
  const lift = (userId: string) =>
    attempt(async () => {
      await here.ask('room.unban', { ...at, user_id: userId });
      setBans((known = []) => known.filter((ban) => ban.user_id !== userId));
    });
  return (
    <div class="bans">
      {!bans ? (
        <button
          type="button"
          class="button"
          data-testid="show-bans"
          disabled={isBusy}
          onClick={() => void load()}
        >
          {isBusy ? texts.value.loading : t.bans}
        </button>
      ) : (
        <>
          <h4 class="label">{t.bans}</h4>
          {bans.length === 0 && <p class="muted">{t.noBans}</p>}
          <ul>
            {bans.map((ban) => (
              <li key={ban.user_id} class="member" data-testid="ban-entry">
                <Avatar userId={ban.user_id} name={nameOf(ban.user_id)} />
                <span class="member-name">
                  {nameOf(ban.user_id)}
                  <small class="muted">{t.bannedBy(nameOf(ban.by))}</small>
                </span>
                <button
                  type="button"
                  class="button small"
                  data-testid="unban"
                  aria-label={t.unbanOf(nameOf(ban.user_id))}
                  disabled={isBusy}
                  onClick={() => void lift(ban.user_id)}
                >
                  {t.unban}
                </button>
              </li>
            ))}
          </ul>
          {after && (
            <button type="button" class="button" disabled={isBusy} onClick={() => void load()}>
              {t.more}
            </button>
          )}
        </>
      )}
      {error && <FailureText code={error} />}
    </div>
  );
}
