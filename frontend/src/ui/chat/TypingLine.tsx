import { texts } from '../../i18n';
import { session, watch } from '../app';
import { pace } from '../chunks';
import { nameOf } from '../parts';

/** Names are said of so many; more people are counted. */
const NAMED_MAX = 2;

/**
 * Who is writing something, or why what one wrote oneself is not sent yet; its place is kept, so
 * that nothing moves when somebody begins.
 */
export function TypingLine({ roomId }: { roomId: string }) {
  watch(`typing:${roomId}`, `room:${roomId}`, 'users');
  const held = session().held(roomId);
  if (held) pace.load();
  const t = texts.value.chat;
  const people = session().typing(roomId);
  const names = people.length <= NAMED_MAX ? people.map((userId) => nameOf(userId)) : [];
  if (held && pace.module) return <pace.module.PaceLine held={held} />;
  return (
    <p class={`typing ${people.length ? 'is-shown' : ''}`} data-testid="typing">
      {people.length > 0 && (
        <>
          <span class="typing-ball" aria-hidden="true" />
          <span>{names.length ? t.typing(names) : t.typingMany(people.length)}</span>
        </>
      )}
    </p>
  );
}
