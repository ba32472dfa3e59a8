import { useEffect, useState } from 'preact/hooks';
import type { Held } from '../../core/outgoing';
import { paceTexts } from '../../i18n/pace';

/** Why what one wrote is not sent yet, and in how many seconds it is. */
export function PaceLine({ held: { code, until } }: { held: Held }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(ticking);
  }, []);
  const t = paceTexts.value;
  const why = code === 'slow_mode' || code === 'silenced' ? t[code] : t.too_fast;
  return (
    <p class="typing is-shown" data-testid="pace" data-code={code}>
      <span role="status">{why}</span>
      {/* Not read out again each second. */}
      <span aria-hidden="true">{`· ${t.left(Math.max(1, Math.ceil((until - now) / 1000)))}`}</span>
    </p>
  );
}
