import { useEffect } from 'preact/hooks';
import { lang, texts } from '../../i18n';
import { landingTexts } from '../../i18n/landing';
import { hasSession, isSignedIn, setLang, setSignedIn } from '../app';
import { Rally } from '../Rally';
import { signedIn } from '../browser';
import { KakaoButton } from './KakaoButton';

/** Where somebody new is looked for. */
const MEET = '/rooms?meet';

export function Landing() {
  const t = { ...texts.value, landing: landingTexts.value };
  useEffect(() => {
    if (hasSession()) return;
    let isHere = true;
    void signedIn().then((answer) => {
      if (isHere && answer !== undefined) setSignedIn(answer);
    });
    return () => {
      isHere = false;
    };
  }, []);
  return (
    <div class="landing">
      <section class="hero">
        <div class="hero-words">
          <h1>{t.landing.title}</h1>
          <p class="lead">{t.landing.lead}</p>
          <div class="hero-action">
            {isSignedIn.value ? (
              <a class="button primary large" href="/rooms">
                {t.landing.toRooms}
              </a>
            ) : (
              <KakaoButton next="/rooms" />
            )}
            <a
              class="button large"
              data-testid="landing-meet"
              href={isSignedIn.value ? MEET : `/sign-in?next=${encodeURIComponent(MEET)}`}
            >
              {t.landing.meet}
            </a>
          </div>
        </div>
        <Rally />
      </section>
      <section class="features">
        {t.landing.features.map((feature, i) => (
          <article key={i}>
            <h2>{feature.title}</h2>
            <p>{feature.text}</p>
          </article>
        ))}
      </section>
      <footer class="footer">
        <p>
          <strong>{t.brand}</strong> {t.landing.footer}
        </p>
        <p class="footer-links">
          <a href="/terms">{t.landing.terms}</a>
          <a href="/privacy">{t.landing.privacy}</a>
        </p>
        <button
          type="button"
          class="button quiet"
          lang={lang.value === 'ko' ? 'en' : 'ko'}
          onClick={() => setLang(lang.value === 'ko' ? 'en' : 'ko')}
        >
          {lang.value === 'ko' ? 'English' : '한국어'}
        </button>
      </footer>
    </div>
  );
}
