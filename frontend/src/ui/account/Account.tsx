import { useEffect, useState } from 'preact/hooks';
import { failureCode } from '../../core/failure';
import { texts } from '../../i18n';
import { meTexts } from '../../i18n/me';
import { DialogButtons } from '../DialogButtons';
import { forget, sayFarewellNext, session, toSignIn } from '../app';
import { Dialog, FailureText, useFailure } from '../parts';
import { post } from './api';

/** Signing out here, and leaving for good. */
export function Account() {
  const t = { ...texts.value, me: meTexts.value };
  const [error, setError] = useFailure();
  const [isBusy, setBusy] = useState(false);
  const [asking, setAsking] = useState<'' | 'withdraw' | 'sign-out'>('');
  const unsent = session().unsent;

  const go = async (path: string) => {
    setBusy(true);
    setError('');
    try {
      const { redirect } = await post(path);
      forget();
      if (path.endsWith('/withdraw')) sayFarewellNext();
      location.assign(typeof redirect === 'string' ? redirect : '/');
    } catch (failure) {
      const code = failureCode(failure);
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
          <DialogButtons
            label={t.me.signOut}
            testId="sign-out-confirm"
            isDanger
            isBusy={isBusy}
            onCancel={() => setAsking('')}
            onConfirm={signOut}
          />
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
          <h3 class="stays">{t.me.withdrawStays}</h3>
          <ul class="bullets">
            {t.me.withdrawStaysList.map((line, i) => (
              <li key={i}>{line}</li>
            ))}
          </ul>
          {error && <FailureText code={error} />}
          <DialogButtons
            label={t.me.withdrawConfirm}
            testId="withdraw-confirm"
            isDanger
            isBusy={isBusy}
            onCancel={() => setAsking('')}
            onConfirm={() => void go('/api/auth/withdraw')}
          />
        </Dialog>
      )}
    </section>
  );
}
