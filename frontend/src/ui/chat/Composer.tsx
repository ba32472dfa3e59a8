import { useEffect, useRef, useState } from 'preact/hooks';
import { CHAT_TEXT_MAX } from '../../protocol';
import { texts } from '../../i18n';
import { isWide, session } from '../app';
import { Icon } from '../art';
import { isComposing } from '../keys';
import { Counter, IconButton } from '../parts';
import { plainText } from '../mentions';
import { actions, change, chatAt, editing, editLast, reply, replying } from './acting';
import { QuoteWords } from './Quote';
import { decoded, encoded, NOTHING, typed, type Written } from './writing';
import { cleanText, hasVisible, lengthOf } from '../rows';

let receive: ((sent: string, replyTo: number) => void) | null = null;

/** Back where it was written, to be changed. */
export function putBack(sent: string, replyTo = 0): void {
  receive?.(sent, replyTo);
}

/** Whether this key press means "send". */
export function isSendKey(event: KeyboardEvent): boolean {
  return event.key === 'Enter' && !event.shiftKey && !isComposing(event);
}

function begun(roomId: string | null): Written {
  return roomId ? { ...NOTHING, ...session().draft(roomId) } : NOTHING;
}

function called(userId: string): string | undefined {
  return session().called(userId);
}

/** Where one writes; without a room yet, only its place. */
export function Composer({ roomId }: { roomId: string | null }) {
  const t = texts.value.chat;
  const [draft, setDraft] = useState<Written>(() => begun(roomId));
  const edit = editing.value?.roomId === roomId ? editing.value : null;
  const answered = replying.value?.roomId === roomId ? replying.value : null;
  const [edited, setEdited] = useState({ edit, ...NOTHING });
  const written = edit ? (edited.edit === edit ? edited : decoded(edit.text, called)) : draft;
  const { text } = written;
  const box = useRef<HTMLTextAreaElement>(null);
  /** It was answered before the page was loaded: no keyboard opens for it. */
  const resumed = useRef<typeof answered>(null);
  const { module } = actions;
  const clean = cleanText(encoded(written)).trim();
  const isTooLong = lengthOf(clean) > CHAT_TEXT_MAX;
  const canSend = roomId !== null && hasVisible(clean) && !isTooLong;
  // Two panes: who has just opened a room wants to write there, not in the box for names.
  useEffect(() => {
    if (roomId && isWide.peek()) box.current?.focus();
  }, [roomId]);
  useEffect(() => {
    if (!edit) return;
    box.current?.focus();
    box.current?.setSelectionRange(text.length, text.length);
  }, [edit]);
  useEffect(() => {
    if (answered && answered !== resumed.current) box.current?.focus();
  }, [answered]);
  useEffect(() => {
    const seq = roomId && session().draft(roomId).reply?.seq;
    if (seq) resumed.current = replying.value = { roomId, seq };
    return () => void (editing.value = replying.value = null);
  }, [roomId]);
  useEffect(() => {
    if (!roomId) return;
    receive = (returned, replyTo) => {
      // It is nothing of a chat that is being edited.
      editing.value = null;
      const all = draft.text.trim() ? `${returned}\n${encoded(draft)}` : returned;
      write(decoded(all, called));
      if (replyTo && !answered && session().quoted(roomId, replyTo) !== null) reply(roomId, replyTo);
      box.current?.focus();
    };
    return () => {
      receive = null;
    };
  });

  const write = (next: Written) => {
    setDraft(next);
    if (!roomId) return;
    session().keepDraft(roomId, next.text, answered?.seq, next.marks);
    if (next.text.trim()) session().signalTyping(roomId);
  };
  const put = (next: Written) => (edit ? setEdited({ edit, ...next }) : write(next));
  const stop = () => {
    if (edit) editing.value = null;
    else if (roomId) reply(roomId, 0);
    box.current?.focus();
  };
  const submit = () => {
    if (!canSend) return;
    if (edit) {
      // Not with what is in the box at first: that may be an edit that was refused.
      if (clean !== chatAt(roomId, edit.seq)?.text) void change(roomId, edit.seq, { type: 'edit', text: clean });
      stop();
      return;
    }
    session().send(roomId, clean, answered?.seq);
    write(NOTHING);
    reply(roomId, 0);
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
      <div class={edit || answered ? 'editing' : 'hidden'} role="status">
        {(edit || answered) && (
          <>
            <p data-testid={edit ? 'editing' : 'replying'}>
              {edit ? (
                <>
                  <b>{t.editing}</b>
                  <span dir="auto">{plainText(edit.text)}</span>
                </>
              ) : (
                answered && <QuoteWords {...answered} title={t.replying} />
              )}
            </p>
            <IconButton
              name="close"
              label={texts.value.cancel}
              testId={edit ? 'cancel-edit' : 'cancel-reply'}
              onClick={stop}
            />
          </>
        )}
      </div>
      {module && roomId && (
        <module.Mentions roomId={roomId} box={box} written={written} onWrite={put} />
      )}
      <label class="hidden" for="composer">
        {edit ? t.editing : t.composer}
      </label>
      <div class="composer-field">
        {/* Under the textarea, and as tall as its text, or as it can be: nothing has to be measured. */}
        <span class="composer-mirror" aria-hidden="true">
          {`${text.slice(0, CHAT_TEXT_MAX)}\u200b`}
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
          onInput={({ currentTarget: { value, selectionEnd } }) => {
            if (value.includes('@')) void actions.load();
            put(typed(written, value, selectionEnd));
          }}
          onKeyDown={(event) => {
            const isPlain = !(event.shiftKey || event.altKey || event.ctrlKey || event.metaKey);
            if (event.key === 'Escape' && (edit || answered) && !isComposing(event)) {
              event.preventDefault();
              stop();
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
