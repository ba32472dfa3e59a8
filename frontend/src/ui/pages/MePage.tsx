import { useEffect, useRef, useState } from 'preact/hooks';
import type { FailureCode } from '../../core/failure';
import { ERROR_CODES, type ErrorCode } from '../../choices';
import { NICKNAME_MAX } from '../../protocol';
import { lang, texts, type Lang } from '../../i18n';
import { meTexts } from '../../i18n/me';
import {
  forget,
  hasSounds,
  isWide,
  say,
  sayFarewellNext,
  session,
  setLang,
  setSounds,
  setTheme,
  theme,
  toSignIn,
  watch,
  type Theme,
} from '../app';
import { sounds } from '../chunks';
import { keepComposing } from '../keys';
import { Avatar, Counter, Dialog, FailureText, useAttempt, useFailure } from '../parts';
import { lengthOf } from '../rows';
import { BlockedPeople } from '../safety/BlockedPeople';

export { default as css } from '../../styles/me.css?url';

export function MePage() {
  watch('me');
  const t = meTexts.value;
  const { me } = session();
  return (
    <div class="me">
      <h1>{texts.value.me.title}</h1>
      <section class="card">
        <div class="me-head">
          {me ? (
            <Avatar userId={me.user_id} name={me.nickname} />
          ) : (
            <span class="avatar skeleton" />
          )}
          <div>
            <strong class="me-name" data-testid="nickname">
              {me?.nickname ?? '\u00a0'}
            </strong>
            {me?.email && (
              <p class="muted" data-testid="email">
                <span class="hidden">{t.email} </span>
                {me.email}
              </p>
            )}
          </div>
        </div>
        <Nickname nickname={me?.nickname ?? ''} />
      </section>
      <section class="card">
        <h2>{t.display}</h2>
        <Choice<Lang>
          label={t.language}
          name="lang"
          value={lang.value}
          options={[
            ['ko', '한국어'],
            ['en', 'English'],
          ]}
          onPick={setLang}
        />
        <Choice<Theme>
          label={t.theme}
          name="theme"
          value={theme.value}
          options={[
            ['auto', t.themes.auto],
            ['light', t.themes.light],
            ['dark', t.themes.dark],
          ]}
          onPick={setTheme}
        />
      </section>
      <Sounds />
      <BlockedPeople />
      <Account />
    </div>
  );
}

function Sounds() {
  const t = meTexts.value;
  useEffect(() => void sounds.load(), []);
  return (
    <section class="card">
      <h2>{t.sounds}</h2>
      <label class="switch">
        <span>
          <b>{t.newChats}</b>
          <span class="muted small" id="sounds-hint">
            {t.soundsHint}
          </span>
        </span>
        <input
          type="checkbox"
          role="switch"
          data-testid="sounds"
          aria-label={t.newChats}
          aria-describedby="sounds-hint"
          checked={hasSounds.value}
          onChange={(event) => setSounds(event.currentTarget.checked)}
        />
      </label>
      <button
        type="button"
        class="button listen"
        data-testid="listen"
        onClick={() => (sounds.module ? sounds.module.play('ping') : void sounds.load())}
      >
        {t.listen}
      </button>
    </section>
  );
}

function Nickname({ nickname }: { nickname: string }) {
  const t = { ...texts.value, me: meTexts.value };
  /** Null while it is not being edited: then it shows what the nickname is. */
  const [edited, setEdited] = useState<string | null>(null);
  const { error, setError, isBusy, attempt } = useAttempt();
  const form = useRef<HTMLFormElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const text = edited ?? nickname;
  const wanted = text.trim();
  const isTooLong = lengthOf(wanted) > NICKNAME_MAX;

  const canSave = wanted !== '' && !isTooLong && !isBusy && wanted !== nickname;

  const save = async () => {
    await session().rename(wanted);
    setEdited(null);
    say(meTexts.peek().saved);
    // The button has nothing to save now and lets go of the focus; a phone's keyboard stays shut.
    if (document.activeElement !== input.current) {
      (isWide.peek() ? input : form).current?.focus({ preventScroll: true });
    }
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (canSave) void attempt(save);
  };

  return (
    <form ref={form} class="nickname" tabIndex={-1} onSubmit={submit}>
      <label class="label" for="nickname">
        {t.me.nickname}
      </label>
      <div class="field-row">
        <input
          id="nickname"
          ref={input}
          class="input"
          data-testid="nickname-input"
          value={text}
          disabled={nickname === ''}
          autocomplete="off"
          aria-describedby="nickname-hint"
          aria-invalid={isTooLong || error !== ''}
          onInput={(event) => {
            setEdited(event.currentTarget.value);
            setError('');
          }}
          onBlur={() => {
            if (wanted === nickname) setEdited(null);
          }}
          onKeyDown={keepComposing}
        />
        <button
          class="button primary"
          data-testid="nickname-save"
          disabled={!canSave}
        >
          {t.save}
        </button>
      </div>
      <p class="hint" id="nickname-hint">
        <span>{t.me.nicknameHint}</span>
        <Counter text={wanted} most={NICKNAME_MAX} />
      </p>
      {error && <FailureText code={error} />}
    </form>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  name: string;
  value: T;
  options: [T, string][];
  onPick(value: T): void;
}

function Choice<T extends string>({ label, name, value, options, onPick }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend class="label">{label}</legend>
      <div class="choice-row">
        {options.map(([option, text]) => (
          <label key={option}>
            <input
              type="radio"
              name={name}
              value={option}
              checked={option === value}
              onChange={() => onPick(option)}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** POST to the HTTP side; where to go on, or why not. */
async function post(path: string): Promise<string> {
  const response = await fetch(path, { method: 'POST' }).catch(() => null);
  const body = (await response?.json().catch(() => null)) as
    | { redirect?: unknown; code?: unknown }
    | null
    | undefined;
  if (response?.ok) return typeof body?.redirect === 'string' ? body.redirect : '/';
  if (!response) throw new PostError('lost');
  const code = body?.code as ErrorCode;
  throw new PostError(ERROR_CODES.includes(code) ? code : 'internal');
}

class PostError extends Error {
  constructor(readonly code: FailureCode) {
    super(code);
  }
}

function Account() {
  const t = { ...texts.value, me: meTexts.value };
  const [error, setError] = useFailure();
  const [isBusy, setBusy] = useState(false);
  const [asking, setAsking] = useState<'' | 'withdraw' | 'sign-out'>('');
  const unsent = session().unsent;

  const go = async (path: string) => {
    setBusy(true);
    setError('');
    try {
      const redirect = await post(path);
      forget();
      if (path.endsWith('/withdraw')) sayFarewellNext();
      location.assign(redirect);
    } catch (failure) {
      const code = failure instanceof PostError ? failure.code : 'internal';
      if (code === 'signed_out') {
        // The session was over already, but here, too, nothing is to be left.
        forget();
        toSignIn('');
      } else {
        setError(code);
      }
      setBusy(false);
    }
  };
  const signOut = () => void go('/api/auth/logout');
  useEffect(() => setError(''), [asking]);

  return (
    <section class="card">
      <h2>{t.me.account}</h2>
      {error && !asking && <FailureText code={error} />}
      <div class="button-row">
        <button
          type="button"
          class="button"
          data-testid="sign-out"
          disabled={isBusy}
          onClick={() => (session().unsent > 0 ? setAsking('sign-out') : signOut())}
        >
          {t.me.signOut}
        </button>
        <button
          type="button"
          class="button danger-quiet"
          data-testid="withdraw"
          onClick={() => setAsking('withdraw')}
        >
          {t.me.withdraw}
        </button>
      </div>
      {asking === 'sign-out' && (
        <Dialog title={t.me.signOut} onClose={() => setAsking('')}>
          <p>{t.me.signOutUnsent(unsent)}</p>
          {error && <FailureText code={error} />}
          <div class="button-row end">
            <button type="button" class="button" onClick={() => setAsking('')}>
              {t.cancel}
            </button>
            <button type="button" class="button danger" disabled={isBusy} onClick={signOut}>
              {t.me.signOut}
            </button>
          </div>
        </Dialog>
      )}
      {asking === 'withdraw' && (
        <Dialog
          title={t.me.withdrawTitle}
          testId="withdraw-dialog"
          onClose={() => !isBusy && setAsking('')}
        >
          <p>{t.me.withdrawLead}</p>
          <ul class="bullets">
            {t.me.withdrawList.map((line, i) => (
              <li key={i}>{line}</li>
            ))}
          </ul>
          {error && <FailureText code={error} />}
          <div class="button-row end">
            <button
              type="button"
              class="button"
              disabled={isBusy}
              onClick={() => setAsking('')}
            >
              {t.cancel}
            </button>
            <button
              type="button"
              class="button danger"
              data-testid="withdraw-confirm"
              disabled={isBusy}
              onClick={() => void go('/api/auth/withdraw')}
            >
              {t.me.withdrawConfirm}
            </button>
          </div>
        </Dialog>
      )}
    </section>
  );
}
