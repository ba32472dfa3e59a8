import { useEffect, useState } from 'preact/hooks';
import type { FailureCode } from '../../core/failure';
import { lang } from '../../i18n';
import { signInTexts } from '../../i18n/outside';
import { setLang, signInReason } from '../app';
import { Logo } from '../art';
import { signedIn } from '../browser';
import { failures } from '../chunks';
import { failureText } from '../failure';
import { navigate, safeNext } from '../router';
import { KakaoButton } from './KakaoButton';

/** A code of the address or of ours, as far as it is known. */
function known(code: string): FailureCode {
  const { errors = {} } = failures.module?.failureTexts.value ?? {};
  return Object.hasOwn(errors, code) ? (code as FailureCode) : 'internal';
}

export function SignIn() {
  const t = signInTexts.value;
  const [code] = useState(() => {
    return new URLSearchParams(location.search).get('error') || signInReason.peek();
  });
  const error = code && known(code);
  const [next] = useState(() => safeNext(new URLSearchParams(location.search).get('next')));

  useEffect(() => {
    signInReason.value = '';
    // A reload or a bookmark should not tell of an old failure again.
    if (new URLSearchParams(location.search).has('error')) navigate('/sign-in', 'replace');
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
        ) : error ? (
          <div class="notice-box" role="alert" data-testid="sign-in-error" data-code={error}>
            <strong>{error === 'signed_out' ? '' : t.failed}</strong>
            <p>{failureText(error)}</p>
          </div>
        ) : (
          <p class="muted">{t.lead}</p>
        )}
        <KakaoButton next={next} />
        {error && error !== 'signed_out' && error !== 'consent_refused' && <p class="muted small">{t.again}</p>}
        <p class="muted small">{t.note}</p>
      </div>
      <button
        type="button"
        class="button quiet"
        lang={lang.value === 'ko' ? 'en' : 'ko'}
        onClick={() => setLang(lang.value === 'ko' ? 'en' : 'ko')}
      >
        {lang.value === 'ko' ? 'English' : '한국어'}
      </button>
    </div>
  );
}
