import { useEffect, useRef, useState } from 'preact/hooks';
import { CHAT_TEXT_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { isWide, session } from '../app';
import { Icon } from '../art';
import { Counter, IconButton } from '../parts';
import { change, chatAt, editing, editLast } from './acting';
import { cleanText, hasVisible, lengthOf } from '../rows';

let receive: ((text: string) => void) | null = null;

/** Back where it was written, to be changed. */
export function putBack(text: string): void {
  receive?.(text);
}

/** Whether this key press means "send". */
export function isSendKey(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposing(event);
}

/** Whether a key press belongs to the input method, as the Enter that ends Hangul (229: Safari). */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Where one writes; without a room yet, only its place. */
export function Composer({ roomId }: { roomId: string | null }) {
  const t = texts.value.chat;
  const [draft, setDraft] = useState(() => (roomId ? session().draft(roomId).text : ''));
  const edit = editing.value?.roomId === roomId ? editing.value : null;
  const [edited, setEdited] = useState({ edit, text: '' });
  const text = edit ? (edited.edit === edit ? edited.text : edit.text) : draft;
  const box = useRef<HTMLTextAreaElement>(null);
  const clean = cleanText(text).trim();
  const isTooLong = lengthOf(clean) > CHAT_TEXT_MAX;
  const canSend = roomId !== null && hasVisible(clean) && !isTooLong;
  // Two panes: who has just opened a room wants to write there, not in the box for names.
  useEffect(() => {
    if (roomId && isWide.peek()) box.current?.focus();
  }, [roomId]);
  useEffect(() => {
    if (!edit) return;
    box.current?.focus();
    box.current?.setSelectionRange(edit.text.length, edit.text.length);
  }, [edit]);
  useEffect(() => () => void (editing.value = null), []);
  useEffect(() => {
    if (!roomId) return;
    receive = (returned) => {
      // It is nothing of a chat that is being edited.
      editing.value = null;
      write(draft.trim() ? `${returned}\n${draft}` : returned);
      box.current?.focus();
    };
    return () => {
      receive = null;
    };
  });

  const write = (next: string) => {
    setDraft(next);
    if (roomId) session().keepDraft(roomId, next);
  };
  const stopEditing = () => {
    editing.value = null;
    box.current?.focus();
  };
  const submit = () => {
    if (!canSend) return;
    if (edit) {
      // Not with what is in the box at first: that may be an edit that was refused.
      if (clean !== chatAt(roomId, edit.seq)?.text) void change(roomId, edit.seq, { type: 'edit', text: clean });
      stopEditing();
      return;
    }
    session().send(roomId, clean);
    write('');
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
      <div class={edit ? 'editing' : 'hidden'} role="status">
        {edit && (
          <>
            <p data-testid="editing">
              <b>{t.editing}</b>
              <span dir="auto">{edit.text}</span>
            </p>
            <IconButton
              name="close"
              label={texts.value.cancel}
              testId="cancel-edit"
              onClick={stopEditing}
            />
          </>
        )}
      </div>
      <label class="hidden" for="composer">
        {edit ? t.editing : t.composer}
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
          onInput={({ currentTarget: { value } }) => (edit ? setEdited({ edit, text: value }) : write(value))}
          onKeyDown={(event) => {
            const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
            if (event.key === 'Escape' && edit && !isComposing(event)) {
              event.preventDefault();
              stopEditing();
            } else if (event.key === 'ArrowUp' && isPlain && !edit && !text && !isComposing(event)) {
              if (roomId && editLast(roomId)) event.preventDefault();
            }
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
