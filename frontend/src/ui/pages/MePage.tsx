import { useEffect, useRef, useState } from 'preact/hooks';
import { NICKNAME_MAX } from '../../protocol';
import { lang, texts, type Lang } from '../../i18n';
import { meTexts } from '../../i18n/me';
import {
  hasSounds,
  isWide,
  say,
  session,
  setLang,
  setSounds,
  setTheme,
  theme,
  watch,
  type Theme,
} from '../app';
import { Account } from '../account/Account';
import { Devices } from '../account/Devices';
import { Export } from '../account/Export';
import { sounds } from '../chunks';
import { keepComposing } from '../keys';
import { Avatar, Counter, FailureText, useAttempt } from '../parts';
import { lengthOf } from '../rows';
import { BlockedPeople } from '../safety/BlockedPeople';

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
      <Devices />
      <Export />
      <Account />
      <p class="legal-links small">
        <a href="/terms">{t.terms}</a>
        <a href="/privacy">{t.privacy}</a>
      </p>
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
