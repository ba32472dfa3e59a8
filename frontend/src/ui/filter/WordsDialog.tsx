import { useEffect, useRef, useState } from 'preact/hooks';
import type { RoomState } from '../../core/room';
import { texts } from '../../i18n';
import { say, session } from '../app';
import { isComposing } from '../keys';
import { Dialog, FailureText, useAttempt } from '../parts';
import { isolated } from '../rows';
import { filterTexts } from './texts';
import { add, type Refused } from './words';

/** Which words a room masks beside those of every room. */
export function WordsDialog({ room, onClose }: { room: RoomState; onClose(): void }) {
  const t = filterTexts.value;
  const { error, isBusy, attempt } = useAttempt();
  /** As the room has them; undefined until that is known. */
  const [stored, setStored] = useState<readonly string[]>();
  const [words, setWords] = useState<readonly string[]>([]);
  const [draft, setDraft] = useState('');
  const [refused, setRefused] = useState<readonly Refused[]>([]);
  const [removed, setRemoved] = useState('');
  const input = useRef<HTMLInputElement>(null);
  const at = { room_id: room.id };
  const load = () =>
    attempt(async () => {
      const reply = await session().ask('room.words', at);
      setStored(reply.words);
      setWords(reply.words);
    });
  useEffect(() => void load(), [room.id]);

  /** What is still written is meant, too; what can't be stays there to be mended. */
  const take = (text: string): readonly string[] | undefined => {
    const added = add(words, text);
    setWords(added.words);
    setRefused(added.refused);
    setRemoved('');
    setDraft(added.refused.map(({ word }) => word).join(', '));
    return added.refused.length ? undefined : added.words;
  };
  const save = () => {
    const all = take(draft);
    if (!all) return;
    void attempt(async () => {
      await session().ask('room.set_words', { ...at, words: [...all] });
      say(filterTexts.peek().saved);
      onClose();
    });
  };
  const remove = (word: string) => {
    setWords(words.filter((each) => each !== word));
    setRemoved(t.removed(word));
  };
  const isSame = stored?.join() === words.join() && !draft.trim();
  return (
    <Dialog title={t.title} class="filter" testId="words-dialog" onClose={onClose}>
      <div>
        <p class="muted">{t.hint}</p>
        <p class="filter-seen muted small">{t.seen}</p>
      </div>
      {stored && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            save();
          }}
        >
          <div class="filter-row">
            <label class="label" for="filter-word">
              {t.field}
            </label>
            <span class="muted small" data-testid="words-count" aria-label={t.counted(words.length)}>
              {t.count(words.length)}
            </span>
          </div>
          <div class="field-row">
            <input
              ref={input}
              id="filter-word"
              class="input"
              data-testid="word-draft"
              placeholder={t.placeholder}
              value={draft}
              autocomplete="off"
              autocapitalize="off"
              enterkeyhint="done"
              aria-invalid={refused.length > 0}
              aria-describedby="filter-problems"
              onInput={({ currentTarget: { value } }) => {
                setDraft(value);
                // While Hangul is composed, a comma ends it.
                if (/[,，、]\s*$/.test(value)) take(value);
              }}
              onPaste={(event) => {
                const pasted = event.clipboardData?.getData('text') ?? '';
                if (!/[,，、\n]/.test(pasted)) return;
                event.preventDefault();
                take(`${draft},${pasted}`);
              }}
              onKeyDown={(event) => {
                if (event.key === 'Backspace' && !draft && words.length) {
                  event.preventDefault();
                  lastChip(event.currentTarget.form)?.focus();
                }
                if (event.key !== 'Enter' || isComposing(event)) return;
                // Not the form: it is saved when it is whole.
                event.preventDefault();
                take(draft);
              }}
            />
            <button
              type="button"
              class="button"
              data-testid="word-add"
              disabled={!draft.trim()}
              onClick={() => {
                take(draft);
                input.current?.focus();
              }}
            >
              {t.add}
            </button>
          </div>
          <div class="filter-problems" id="filter-problems" role="alert">
            {refused.map(({ word, problem }) => (
              <p key={word} data-testid="word-problem">
                <b>{isolated(word)}</b> {t.problems[problem]}
              </p>
            ))}
          </div>
          {words.length > 0 ? (
            <ul class="filter-words" aria-label={t.list}>
              {words.map((word) => (
                <li key={word}>
                  <button
                    type="button"
                    class="filter-word"
                    data-testid="word"
                    aria-label={t.remove(word)}
                    onClick={(event) => {
                      moveOn(event.currentTarget, input.current);
                      remove(word);
                    }}
                    onKeyDown={(event) => {
                      if (event.key !== 'Delete' && event.key !== 'Backspace') return;
                      event.preventDefault();
                      moveOn(event.currentTarget, input.current);
                      remove(word);
                    }}
                  >
                    {isolated(word)} <span aria-hidden="true">×</span>
                  </button>
                </li>
              ))}
            </ul>
          ) : (
            <p class="filter-none muted">{t.none}</p>
          )}
          <p class="hidden" role="status">
            {removed}
          </p>
          {error && <FailureText code={error} />}
          <div class="button-row end">
            <button type="button" class="button" onClick={onClose}>
              {texts.value.cancel}
            </button>
            <button class="button primary" data-testid="words-save" disabled={isBusy || isSame}>
              {texts.value.save}
            </button>
          </div>
        </form>
      )}
      {!stored && (
        <>
          {error ? <FailureText code={error} /> : <p class="muted">{texts.value.loading}</p>}
          <div class="button-row end">
            <button type="button" class="button" onClick={onClose}>
              {texts.value.close}
            </button>
            {error && (
              <button type="button" class="button primary" disabled={isBusy} onClick={() => void load()}>
                {texts.value.retry}
              </button>
            )}
          </div>
        </>
      )}
    </Dialog>
  );
}

function lastChip(form: HTMLFormElement | null): HTMLElement | undefined {
  return [...(form?.querySelectorAll<HTMLElement>('.filter-word') ?? [])].at(-1);
}

/** Who removes a word goes on with the one after it, or before it, or writes another. */
function moveOn(chip: HTMLElement, input: HTMLElement | null): void {
  const item = chip.closest('li');
  const beside = item?.nextElementSibling ?? item?.previousElementSibling;
  (beside?.querySelector<HTMLElement>('button') ?? input)?.focus();
}
