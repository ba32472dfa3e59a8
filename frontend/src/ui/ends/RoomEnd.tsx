import { isTemporary } from '../../core/failure';
import type { View } from '../../core/session';
import { texts } from '../../i18n';
import { endTexts } from '../../i18n/ends';
import { session } from '../app';
import { failureText } from '../failure';
import { plainText } from '../mentions';
import { Blank } from '../parts';
import { OutOfBounds } from './OutOfBounds';
import { Passcode } from './Passcode';

interface RoomEndProps {
  roomId: string;
  view: Extract<View, { state: 'removed' | 'failed' }>;
}

/** Why a room is not there, what was not sent to it, and where to go on. */
export function RoomEnd({ roomId, view }: RoomEndProps) {
  const here = session();
  const t = endTexts.value;
  if (view.state === 'removed') {
    const why = { kicked: t.kickedText, banned: t.bannedText }[view.why as string] ?? '';
    return (
      <Blank
        art={<OutOfBounds />}
        title={t.removed[view.why]}
        text={why}
        isAlert
        more={<Unsent texts={view.unsent} />}
      >
        <a class="button primary" href="/rooms">
          {t.toRooms}
        </a>
        {view.why !== 'closed' && view.why !== 'banned' && (
          <button type="button" class="button" onClick={() => here.reenter()}>
            {t.enterAgain}
          </button>
        )}
      </Blank>
    );
  }
  if (view.code === 'passcode_needed') return <Passcode roomId={roomId} />;
  const unsent = here.outgoing(roomId).filter((item) => item.state !== 'sent');
  const canRetry = isTemporary(view.code);
  return (
    <Blank
      art={<OutOfBounds />}
      title={t.failedTitle}
      text={failureText(view.code)}
      isAlert
      more={<Unsent texts={unsent.map((item) => item.text)} />}
    >
      {canRetry && (
        <button type="button" class="button primary" onClick={() => here.reenter()}>
          {texts.value.retry}
        </button>
      )}
      <a class={`button ${canRetry ? '' : 'primary'}`} href="/rooms">
        {t.toRooms}
      </a>
    </Blank>
  );
}

/** What was written and did not get there: to be read and copied. */
function Unsent({ texts: unsent }: { texts: readonly string[] }) {
  if (!unsent.length) return null;
  return (
    <div class="unsent" data-testid="unsent">
      <h3>{endTexts.value.unsent(unsent.length)}</h3>
      <ul>
        {unsent.map((text, i) => (
          <li key={i}>{plainText(text)}</li>
        ))}
      </ul>
    </div>
  );
}
