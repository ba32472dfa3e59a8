import { useState } from 'preact/hooks';
import { failureCode, type FailureCode } from '../../core/failure';
import { texts } from '../../i18n';
import { TERMS_VERSION } from '../../protocol';
import { sayFarewellNext, setSignedIn, toSignIn } from '../app';
import { Logo } from '../art';
import { ErrorText, FailureText } from '../parts';
import { navigate } from '../router';
import { post } from './api';
import { accountTexts } from './texts';

/** What one agrees to, each for itself. */
const POINTS = ['age', 'terms', 'privacy'] as const;
type Point = (typeof POINTS)[number];
const PAGES: Partial<Record<Point, string>> = { terms: '/terms', privacy: '/privacy' };

/** Before anything can be used. `next`: where to go on. */
export function Consent({ next }: { next: string }) {
  const t = accountTexts.value.consent;
  const [agreed, setAgreed] = useState<ReadonlySet<Point>>(new Set());
  const [isRefusing, setRefusing] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<FailureCode | ''>('');
  const hasAll = agreed.size === POINTS.length;

  const set = (point: Point, isOn: boolean) => {
    const others = [...agreed].filter((each) => each !== point);
    setAgreed(new Set(isOn ? [...others, point] : others));
  };
  const attempt = async (what: () => Promise<void>) => {
    setBusy(true);
    setError('');
    try {
      await what();
    } catch (failure) {
      const code = failureCode(failure);
      if (code === 'signed_out') toSignIn(code);
      else setError(code);
      setBusy(false);
    }
  };
  const agree = (event: Event) => {
    event.preventDefault();
    if (!hasAll || isBusy) return;
    void attempt(async () => {
      const isAll = { is_14_or_older: agreed.has('age'), agrees: agreed.has('terms') && agreed.has('privacy') };
      await post('/api/consent', { version: TERMS_VERSION, ...isAll });
      setSignedIn(true);
      navigate(next, 'replace');
    });
  };
  const leave = (path: string) =>
    void attempt(async () => {
      const { redirect } = await post(path);
      setSignedIn(false);
      if (path.endsWith('/withdraw')) sayFarewellNext();
      location.assign(typeof redirect === 'string' ? redirect : '/');
    });

  return (
    <form class="card sign-in-card consent" data-testid="consent" onSubmit={agree}>
      <Logo />
      <h1>{t.title}</h1>
      <p class="muted">{t.lead}</p>
      <div class="consent-points">
        <label class="consent-all">
          <input
            type="checkbox"
            data-testid="consent-all"
            checked={hasAll}
            onChange={(event) => setAgreed(new Set(event.currentTarget.checked ? POINTS : []))}
          />
          <span>{t.all}</span>
        </label>
        {POINTS.map((point) => (
          <div key={point}>
            <label>
              <input
                type="checkbox"
                data-testid={`consent-${point}`}
                checked={agreed.has(point)}
                onChange={(event) => set(point, event.currentTarget.checked)}
              />
              <span>
                {t[point]} <span class="muted small">({t.required})</span>
              </span>
            </label>
            {PAGES[point] && (
              <a href={PAGES[point]} target="_blank" aria-label={`${t[point]}: ${t.read}`}>
                {t.read}
              </a>
            )}
          </div>
        ))}
      </div>
      {error === 'invalid_field' ? (
        <ErrorText text={t.outdated} />
      ) : (
        error && <FailureText code={error} />
      )}
      <button class="button primary large" data-testid="consent-start" disabled={!hasAll || isBusy}>
        {t.start}
      </button>
      {isRefusing ? (
        <div class="consent-refused" role="status">
          <p class="muted small">{t.refused}</p>
          <div class="button-row">
            <button
              type="button"
              class="button"
              disabled={isBusy}
              onClick={() => leave('/api/auth/logout')}
            >
              {t.signOut}
            </button>
            <button
              type="button"
              class="button danger-quiet"
              data-testid="consent-withdraw"
              disabled={isBusy}
              onClick={() => leave('/api/auth/withdraw')}
            >
              {t.withdraw}
            </button>
          </div>
        </div>
      ) : (
        <button
          type="button"
          class="button quiet"
          data-testid="consent-refuse"
          onClick={() => setRefusing(true)}
        >
          {t.refuse}
        </button>
      )}
      <span class="hidden" aria-live="polite">
        {isBusy ? texts.value.loading : ''}
      </span>
    </form>
  );
}
