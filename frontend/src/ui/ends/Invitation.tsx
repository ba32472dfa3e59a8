import { useEffect, useState } from 'preact/hooks';
import type { FailureCode } from '../../core/failure';
import { texts } from '../../i18n';
import { invitationTexts } from '../../i18n/invitation';
import { isSignedIn, session, setSignedIn, watch } from '../app';
import { signedIn } from '../browser';
import { failures } from '../chunks';
import { failureText } from '../failure';
import { Avatar, Blank, FailureText, useAttempt } from '../parts';
import { navigate } from '../router';
import { isolated } from '../rows';
import { OutOfBounds } from './OutOfBounds';

interface Leads {
  name: string;
  member_count: number;
}

interface InvitationProps {
  roomId: string;
  token: string;
}

/** Where somebody is led by a link: which room it is, and going in. */
export function Invitation({ roomId, token }: InvitationProps) {
  const t = invitationTexts.value;
  const [leads, setLeads] = useState<Leads | null>(null);
  const [code, setCode] = useState<FailureCode | ''>('');
  const load = async () => {
    setCode('');
    const found = await look(roomId, token);
    if (typeof found === 'string') setCode(found);
    else setLeads(found);
  };
  useEffect(() => {
    void failures.load();
    void load();
    // Who comes from signing in has not been connected here yet.
    if (!isSignedIn.peek()) void signedIn().then((is) => is && setSignedIn(true));
  }, []);

  if (code) {
    const isLost = code === 'lost' || code === 'internal';
    return (
      <div class="not-found">
        <Blank
          isPage
          isAlert
          art={<OutOfBounds />}
          title={isLost ? t.failed : t.over}
          text={failureText(code)}
        >
          {isLost ? (
            <button type="button" class="button primary" onClick={() => void load()}>
              {texts.value.retry}
            </button>
          ) : isSignedIn.value ? (
            <Back roomId={roomId} />
          ) : (
            <a class="button primary" href="/">
              {t.home}
            </a>
          )}
        </Blank>
      </div>
    );
  }
  return (
    <div class="invitation">
      <section class="card invitation-card" data-testid="invitation" aria-busy={!leads}>
        <p class="muted">{t.lead}</p>
        {leads ? <Avatar userId={roomId} name={leads.name} /> : <span class="avatar skeleton" />}
        <h1>{leads ? isolated(leads.name) : '\u00a0'}</h1>
        <p class="muted" data-testid="invitation-count">
          {leads ? t.people(leads.member_count) : texts.value.loading}
        </p>
        {isSignedIn.value ? (
          <Join roomId={roomId} token={token} isKnown={leads !== null} />
        ) : (
          <>
            <a
              class="button primary large"
              data-testid="invitation-sign-in"
              href={`/sign-in?next=${encodeURIComponent(location.pathname)}`}
            >
              {t.signIn}
            </a>
            <p class="muted small">{t.signInHint}</p>
          </>
        )}
      </section>
    </div>
  );
}

interface JoinProps extends InvitationProps {
  isKnown: boolean;
}

/** Only of who is signed in: it asks over their connection. */
function Join({ roomId, token, isKnown }: JoinProps) {
  watch('rooms', 'connection');
  const t = invitationTexts.value;
  const here = session();
  const { error, isBusy, attempt } = useAttempt();
  const isIn = here.rooms.has(roomId);
  const join = () =>
    attempt(async () => {
      if (!here.rooms.has(roomId)) {
        const at = { room_id: roomId, invite: token, limit: 1 };
        const { room, users } = await here.ask('room.enter', at);
        here.hear({ type: 'room.joined', room, users });
      }
      navigate(`/rooms/${roomId}`, 'replace');
    });
  return (
    <>
      <button
        type="button"
        class="button primary large"
        data-testid="invitation-join"
        disabled={!isKnown || isBusy}
        onClick={() => void join()}
      >
        {isIn ? t.goOn : t.join}
      </button>
      {error && <FailureText code={error} />}
    </>
  );
}

/** Away from a link that is over: into its room, for who is in it. */
function Back({ roomId }: { roomId: string }) {
  watch('rooms');
  const t = invitationTexts.value;
  const isIn = session().rooms.has(roomId);
  return (
    <a class="button primary" href={isIn ? `/rooms/${roomId}` : '/rooms'}>
      {isIn ? t.goOn : t.toRooms}
    </a>
  );
}

/** Where a link leads, or why nowhere. */
async function look(roomId: string, token: string): Promise<Leads | FailureCode> {
  const query = new URLSearchParams({ room_id: roomId, token });
  try {
    const response = await fetch(`/api/invitation?${query}`, { cache: 'no-store' });
    const body = (await response.json()) as Partial<Leads> & { code?: FailureCode };
    const { name, member_count: count } = body;
    if (response.ok && name !== undefined && count !== undefined) {
      return { name, member_count: count };
    }
    return body.code === 'invite_not_found' || body.code === 'invite_used_up'
      ? body.code
      : 'internal';
  } catch {
    return 'lost';
  }
}
