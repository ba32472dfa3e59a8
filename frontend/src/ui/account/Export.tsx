import { useRef, useState } from 'preact/hooks';
import { Failure, failureCode } from '../../core/failure';
import { say } from '../app';
import { ErrorText } from '../parts';
import { failureText } from '../failure';
import { failures } from '../chunks';
import { post } from './api';
import { Exporting } from './exporting';
import { accountTexts } from './texts';

const MINUTE_MS = 60_000;

/** A copy of what is known of one, as a file. */
export function Export() {
  const t = accountTexts.value;
  const [chats, setChats] = useState(0);
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState('');
  /** One that did not come to its end. */
  const begun = useRef<Exporting | null>(null);

  const run = async () => {
    setBusy(true);
    setError('');
    const exporting = (begun.current ??= new Exporting((cursor) =>
      post('/api/export', cursor ? { cursor } : {}),
    ));
    try {
      await exporting.run(() => setChats(exporting.chats));
      save(exporting.parts);
      begun.current = null;
      say(t.exported);
    } catch (failure) {
      await failures.load();
      setError(why(failure));
      // Of another one the server knows nothing any more.
      if (!exporting.hasBegun || failureCode(failure) === 'invalid_field') begun.current = null;
    }
    setBusy(false);
  };

  const why = (failure: unknown): string => {
    const code = failureCode(failure);
    if (code === 'too_fast' && failure instanceof Failure) {
      return t.exportedLately(Math.ceil(failure.retryAfterMs / MINUTE_MS));
    }
    return failureText(code);
  };

  return (
    <section class="card" data-testid="export">
      <h2>{t.export}</h2>
      <p class="muted">{t.exportText}</p>
      <p class="muted small export-state" role="status">
        {isBusy ? t.exporting(chats) : ''}
      </p>
      {error && <ErrorText text={error} />}
      <button
        type="button"
        class="button"
        data-testid="export-start"
        disabled={isBusy}
        onClick={() => void run()}
      >
        {begun.current && !isBusy ? t.exportGoOn : t.exportStart}
      </button>
    </section>
  );
}

function save(parts: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([...parts], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `ping-pong-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), MINUTE_MS);
}
