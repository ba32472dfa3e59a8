import { useEffect, useState } from 'preact/hooks';
import type { FailureCode } from '../../core/failure';
import { lang } from '../../i18n';
import { signInTexts } from '../../i18n/outside';
import { setLang, signInReason } from '../app';
import { Logo } from '../art';
import { signedIn } from '../browser';
import { Chunked } from '../Chunked';
import { failures, me } from '../chunks';
import { failureText } from '../failure';
import { navigate, safeNext } from '../router';
import { KakaoButton } from './KakaoButton';

/** A code of the address or of ours, as far as it is known. */
function known(code: string): FailureCode {
  const { errors = {} } = failures.module?.failureTexts.value ?? {};
  return Object.hasOwn(errors, code) ? (code as FailureCode) : 'internal';
}

/** Of a suspension: how much longer it lasts, in ms; 0: not known. */
function waitOf(search: string): number {
  const wait = Number(new URLSearchParams(search).get('retry_after_ms'));
  return Number.isSafeInteger(wait) && wait > 0 ? wait : 0;
}

/** Why one stands here is said, and trying again at once does not help. */
const SAID: ReadonlySet<string> = new Set(['signed_out', 'consent_refused', 'suspended']);

/** Whom one asks who thinks that a suspension is wrong: an email address of whoever runs this. */
const CONTACT: string = import.meta.env.VITE_CONTACT ?? '';

function Suspended({ waitMs }: { waitMs: number }) {
  const t = signInTexts.value;
  const [until] = useState(() => Date.now() + waitMs);
  return (
    <div class="notice-box" role="alert" data-testid="sign-in-error" data-code="suspended">
      <strong>{t.suspended}</strong>
      <p>{waitMs > 0 ? t.suspendedUntil(dateTimeText(until)) : failureText('suspended')}</p>
      {CONTACT && (
        <p>
          {t.appeal} <a href={`mailto:${CONTACT}`}>{CONTACT}</a>
        </p>
      )}
    </div>
  );
}

function dateTimeText(at: number): string {
  const format = { dateStyle: 'long', timeStyle: 'short' } as const;
  const tag = lang.value === 'ko' ? 'ko-KR' : 'en-GB';
  return new Intl.DateTimeFormat(tag, { ...format, hour12: true }).format(at);
}

export function SignIn() {
  const t = signInTexts.value;
  const [code] = useState(() => {
    return new URLSearchParams(location.search).get('error') || signInReason.peek();
  });
  const [asksConsent] = useState(
    () =>
      signInReason.peek() === 'consent_required' ||
      new URLSearchParams(location.search).has('consent'),
  );
  const error = code && known(code);
  const [waitMs] = useState(() => waitOf(location.search));
  const [next] = useState(() => safeNext(new URLSearchParams(location.search).get('next')));

  useEffect(() => {
    signInReason.value = '';
    // A reload or a bookmark should not tell of an old failure again.
    if (new URLSearchParams(location.search).has('error')) navigate('/sign-in', 'replace');
    if (asksConsent) return;
    if (code) {
      void failures.load();
      return;
    }
    let isHere = true;
    void signedIn().then((answer) => {
      if (answer && isHere) navigate(next, 'replace');
    });
    return () => {
      isHere = false;
    };
  }, []);

  if (asksConsent) {
    return (
      <div class="sign-in">
        <Chunked chunk={me} title={t.title}>
          {({ Consent }) => <Consent next={next} />}
        </Chunked>
        <OtherLanguage />
      </div>
    );
  }
  // Nothing moves when it can be said what went wrong.
  if (error && !failures.module && !failures.hasFailed) return null;
  return (
    <div class="sign-in">
      <div class="card sign-in-card">
        <Logo />
        <h1>{t.title}</h1>
        {error === 'consent_refused' ? (
          <div
            class="notice-box is-neutral"
            role="status"
            data-testid="sign-in-error"
            data-code={error}
          >
            <p>{failureText(error)}</p>
          </div>
        ) : error === 'suspended' ? (
          <Suspended waitMs={waitMs} />
        ) : error ? (
          <div class="notice-box" role="alert" data-testid="sign-in-error" data-code={error}>
            <strong>{error === 'signed_out' ? '' : t.failed}</strong>
            <p>{failureText(error)}</p>
          </div>
        ) : (
          <p class="muted">{t.lead}</p>
        )}
        <KakaoButton next={next} />
        {error && !SAID.has(error) && <p class="muted small">{t.again}</p>}
        <p class="muted small">{t.note}</p>
      </div>
      <OtherLanguage />
    </div>
  );
}

function OtherLanguage() {
  return (
    <button
      type="button"
      class="button quiet"
      lang={lang.value === 'ko' ? 'en' : 'ko'}
      onClick={() => setLang(lang.value === 'ko' ? 'en' : 'ko')}
    >
      {lang.value === 'ko' ? 'English' : '한국어'}
    </button>
  );
}
