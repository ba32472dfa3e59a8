import { useState } from 'preact/hooks';
import type { Wish } from '../../core/search';
import { MATCH_LANGUAGES_MAX, MATCH_TAGS_MAX, TAG_MAX } from '../../protocol';
import { isComposing } from '../keys';
import { LANGUAGES, matchTexts } from './texts';
import { cleanTag } from './wish';

interface ChoicesProps {
  wish: Wish;
  onWish(wish: Wish): void;
}

/** Of what one likes to talk, and in which languages. */
export function Choices({ wish, onWish }: ChoicesProps) {
  const t = matchTexts.value;
  const [own, setOwn] = useState('');
  const { tags, languages } = wish;
  const offered = [...new Set([...t.suggested, ...tags])];
  const isFull = tags.length >= MATCH_TAGS_MAX;
  const toggleTag = (tag: string) =>
    onWish({ ...wish, tags: toggled(tags, tag, MATCH_TAGS_MAX) });
  const add = () => {
    const tag = cleanTag(own);
    setOwn('');
    if (tag && !tags.includes(tag)) toggleTag(tag);
  };
  return (
    <>
      <fieldset class="match-choice">
        <legend class="label">{t.tags}</legend>
        <p class="muted small">{t.tagsHint(MATCH_TAGS_MAX)}</p>
        <div class="chips">
          {offered.map((tag) => (
            <Chip
              key={tag}
              text={`#${tag}`}
              testId="match-tag"
              isOn={tags.includes(tag)}
              isOff={isFull}
              onClick={() => toggleTag(tag)}
            />
          ))}
        </div>
        <div class="field-row">
          <input
            class="input"
            data-testid="match-own-tag"
            aria-label={t.own}
            placeholder={t.own}
            value={own}
            maxLength={TAG_MAX + 1}
            disabled={isFull}
            autocomplete="off"
            enterkeyhint="done"
            onInput={(event) => setOwn(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || isComposing(event)) return;
              event.preventDefault();
              add();
            }}
          />
          <button type="button" class="button" disabled={isFull || !cleanTag(own)} onClick={add}>
            {t.add}
          </button>
        </div>
      </fieldset>
      <fieldset class="match-choice">
        <legend class="label">{t.languages}</legend>
        <div class="chips">
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <Chip
              key={code}
              lang={code}
              text={name}
              testId="match-language"
              isOn={languages.includes(code)}
              isOff={languages.length >= MATCH_LANGUAGES_MAX}
              onClick={() =>
                onWish({ ...wish, languages: toggled(languages, code, MATCH_LANGUAGES_MAX) })
              }
            />
          ))}
        </div>
      </fieldset>
    </>
  );
}

function toggled(all: readonly string[], one: string, most: number): string[] {
  if (all.includes(one)) return all.filter((each) => each !== one);
  return all.length < most ? [...all, one] : [...all];
}

interface ChipProps {
  text: string;
  testId: string;
  isOn: boolean;
  /** No more of them may be chosen. */
  isOff: boolean;
  lang?: string;
  onClick(): void;
}

function Chip({ text, testId, isOn, isOff, lang, onClick }: ChipProps) {
  return (
    <button
      type="button"
      class="chip"
      lang={lang}
      data-testid={testId}
      aria-pressed={isOn}
      disabled={isOff && !isOn}
      onClick={onClick}
    >
      {text}
    </button>
  );
}
