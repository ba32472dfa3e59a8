import type { Invite } from '../../protocol';
import { session, watch } from '../app';
import { texts } from '../../i18n';
import { Avatar, nameOf } from '../parts';
import { inviteTexts, untilText } from './texts';

interface LinksProps {
  invites: readonly Invite[];
  isBusy: boolean;
  onRevoke(id: string): void;
}

/** The links that let people in now: whose, for how many more, until when. */
export function Links({ invites, isBusy, onRevoke }: LinksProps) {
  watch('users');
  const t = inviteTexts.value;
  const me = session().me?.user_id;
  return (
    <section class="invite-links" aria-labelledby="invite-links">
      <h3 class="label" id="invite-links">
        {t.links(invites.length)}
      </h3>
      <ul>
        {invites.map(({ invite_id: id, user_id: by, expires_at: until, used = 0, uses = 0 }) => {
          const name = by === me ? texts.value.chat.you : nameOf(by);
          return (
            <li key={id} class="member" data-testid="invite-entry">
              <Avatar userId={by} name={nameOf(by)} />
              <span class="member-name">
                {name}
                <small class="muted">{t.state(used, uses, untilText(until))}</small>
              </span>
              <button
                type="button"
                class="button small"
                data-testid="invite-revoke"
                aria-label={t.revokeOf(name, untilText(until))}
                disabled={isBusy}
                onClick={() => onRevoke(id)}
              >
                {t.revoke}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
