import { useRef, useState } from 'preact/hooks';
import { isolated } from '../rows';
import type { Link } from './InviteDialog';
import { Qr } from './Qr';
import { inviteTexts, untilText } from './texts';

/** A link that was made here: as a QR code, to be copied, and to be handed to another app. */
export function Shown({ link: { invite, url }, name }: { link: Link; name: string }) {
  const t = inviteTexts.value;
  const field = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<boolean | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(url);
      setCopied(true);
    } catch {
      // Where it is forbidden, it is chosen, so that one can copy it oneself.
      field.current?.select();
      setCopied(false);
    }
  };
  const share = async () => {
    try {
      await navigator.share({ title: t.shareTitle(name), url });
    } catch (error) {
      // Closed without sharing: there is nothing to say.
      if ((error as Error).name !== 'AbortError') await copy();
    }
  };
  return (
    <section class="invite-shown" aria-label={t.link}>
      <Qr text={url} label={t.qr(isolated(name))} />
      <input
        ref={field}
        class="input"
        data-testid="invite-url"
        aria-label={t.link}
        readonly
        value={url}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div class="button-row">
        <button type="button" class="button primary" data-testid="invite-copy" onClick={() => void copy()}>
          {copied ? t.copied : t.copy}
        </button>
        {'share' in navigator && (
          <button type="button" class="button" data-testid="invite-share" onClick={() => void share()}>
            {t.share}
          </button>
        )}
      </div>
      <p class="muted small" role="status">
        {copied === false
          ? t.copyYourself
          : `${t.untilUses(untilText(invite.expires_at), invite.uses ?? 0)} ${t.once}`}
      </p>
    </section>
  );
}
