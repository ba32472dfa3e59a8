import { useState } from 'preact/hooks';
import { TOPICS } from '../../choices';
import { ROOM_TAGS_MAX, TAG_MAX, type Topic } from '../../protocol';
import { isComposing } from '../keys';
import { hasVisible, isolated, lengthOf } from '../rows';
import { directoryTexts } from './texts';

/** What a room is about. */
export interface About {
  topic: Topic | null;
  tags: readonly string[];
}

/** As it is sent: what is left out is taken away. */
export function aboutBody({ topic, tags }: About): { topic?: Topic; tags: string[] } {
  return topic ? { topic, tags: [...tags] } : { tags: [...tags] };
}

/** A tag as it is shown and sent; '' when it is none. */
export function cleanTag(text: string): string {
  const tag = text.replace(/^[#\s]+/, '').trim().replace(/\s+/g, '_').toLowerCase();
  return hasVisible(tag) && lengthOf(tag) <= TAG_MAX ? tag : '';
}

interface AboutFieldsProps {
  about: About;
  /** A tag that is written and not added yet. */
  draft: string;
  onAbout(about: About): void;
  onDraft(draft: string): void;
}

/** With what is still written, as who presses the button means it. */
export function withDraft(about: About, draft: string): About {
  const tag = cleanTag(draft);
  if (!tag || about.tags.includes(tag) || about.tags.length >= ROOM_TAGS_MAX) return about;
  return { ...about, tags: [...about.tags, tag] };
}

/** One topic, and some tags of one's own. */
export function AboutFields({ about, draft, onAbout, onDraft }: AboutFieldsProps) {
  const t = directoryTexts.value;
  const { topic, tags } = about;
  const isFull = tags.length >= ROOM_TAGS_MAX;
  const add = () => {
    onAbout(withDraft(about, draft));
    onDraft('');
  };
  return (
    <>
      <fieldset class="about-choice">
        <legend class="label">{t.topic}</legend>
        <p class="muted small">{t.aboutHint}</p>
        <div class="chips">
          {TOPICS.map((each) => (
            <button
              key={each}
              type="button"
              class="chip"
              data-testid="about-topic"
              data-topic={each}
              aria-pressed={topic === each}
              onClick={() => onAbout({ ...about, topic: topic === each ? null : each })}
            >
              {t.topics[each]}
            </button>
          ))}
        </div>
      </fieldset>
      <fieldset class="about-choice">
        <legend class="label">{t.tags}</legend>
        <p class="muted small">{t.tagsHint(ROOM_TAGS_MAX)}</p>
        {tags.length > 0 && (
          <div class="chips">
            {tags.map((tag) => (
              <button
                key={tag}
                type="button"
                class="chip"
                data-testid="about-tag"
                aria-label={t.remove(tag)}
                onClick={() => onAbout({ ...about, tags: tags.filter((each) => each !== tag) })}
              >
                #{isolated(tag)} <span aria-hidden="true">×</span>
              </button>
            ))}
          </div>
        )}
        <div class="field-row">
          <input
            class="input"
            data-testid="about-draft"
            aria-label={t.tags}
            placeholder={t.tagPlaceholder}
            value={draft}
            maxLength={TAG_MAX + 1}
            disabled={isFull}
            autocomplete="off"
            enterkeyhint="done"
            onInput={(event) => onDraft(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || isComposing(event) || !cleanTag(draft)) return;
              event.preventDefault();
              add();
            }}
          />
          <button type="button" class="button" disabled={isFull || !cleanTag(draft)} onClick={add}>
            {t.add}
          </button>
        </div>
      </fieldset>
    </>
  );
}

/** What is being chosen, and the tag that is being written. */
export function useAbout(first: About) {
  const [about, onAbout] = useState(first);
  const [draft, onDraft] = useState('');
  return { about, draft, onAbout, onDraft };
}
