import { useEffect, useRef, useState } from 'preact/hooks';
import { CHAT_TEXT_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { isWide, session } from '../app';
import { Icon } from '../art';
import { Counter } from '../parts';
import { cleanText, hasVisible, lengthOf } from '../rows';

/** What was begun in a room is still there when one comes back to it. */
const drafts = new Map<string, string>();

let receive: ((text: string) => void) | null = null;

/** Back where it was written, to be changed. */
export function putBack(text: string): void {
  receive?.(text);
}

/** Whether this key press means "send". */
export function isSendKey(event: KeyboardEvent): boolean {
  if (event.key !== 'Enter' || event.shiftKey) return false;
  // The Enter that ends a Hangul composition belongs to the input method (229: Safari).
  return !event.isComposing && event.keyCode !== 229;
}

/** Where one writes; without a room yet, only its place. */
export function Composer({ roomId }: { roomId: string | null }) {
  const t = texts.value.chat;
  const [text, setText] = useState(drafts.get(roomId ?? '') ?? '');
  const box = useRef<HTMLTextAreaElement>(null);
  const clean = cleanText(text).trim();
  const isTooLong = lengthOf(clean) > CHAT_TEXT_MAX;
  const canSend = roomId !== null && hasVisible(clean) && !isTooLong;
  // Two panes: who has just opened a room wants to write there, not in the box for names.
  useEffect(() => {
    if (roomId && isWide.peek()) box.current?.focus();
  }, [roomId]);
  useEffect(() => {
    if (!roomId) return;
    receive = (returned) => {
      change(text.trim() ? `${returned}\n${text}` : returned);
      box.current?.focus();
    };
    return () => {
      receive = null;
    };
  });

  const change = (next: string) => {
    setText(next);
    if (roomId) drafts.set(roomId, next);
  };
  const submit = () => {
    if (!canSend) return;
    session().send(roomId, clean);
    change('');
    box.current?.focus();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label class="hidden" for="composer">
        {t.composer}
      </label>
      <div class="composer-field">
        {/* Under the textarea, and as tall as its text: nothing has to be measured. */}
        <span class="composer-mirror" aria-hidden="true">
          {`${text}\u200b`}
        </span>
        <textarea
          id="composer"
          ref={box}
          rows={1}
          data-testid="composer"
          value={text}
          placeholder={t.placeholder}
          disabled={roomId === null}
          aria-invalid={isTooLong}
          aria-describedby="composer-counter"
          enterkeyhint="send"
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (!isSendKey(event)) return;
            event.preventDefault();
            submit();
          }}
        />
        <Counter id="composer-counter" text={clean} most={CHAT_TEXT_MAX} />
      </div>
      <button
        class="send"
        aria-label={t.send}
        title={t.send}
        data-testid="send"
        disabled={!canSend}
        // The keyboard of a phone stays open.
        onMouseDown={(event) => event.preventDefault()}
      >
        <Icon name="send" />
      </button>
    </form>
  );
}
