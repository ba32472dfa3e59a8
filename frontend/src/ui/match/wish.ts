import type { Wish } from '../../core/search';
import { lang } from '../../i18n';
import { MATCH_LANGUAGES_MAX, MATCH_TAGS_MAX, TAG_MAX } from '../../protocol';
import { session } from '../app';
import { store } from '../browser';
import { hasVisible, lengthOf } from '../rows';
import { LANGUAGES } from './texts';

/** Goes at signing out, as everything that is kept of a person. */
function key(): string {
  return `ping-pong.match.${session().me?.user_id ?? ''}`;
}

function strings(value: unknown, most: number): string[] {
  const all: unknown[] = Array.isArray(value) ? value : [];
  return all.filter((each) => typeof each === 'string').slice(0, most);
}

/** What one wished for the last time. */
export function lastWish(): Wish {
  let kept: { languages?: unknown; tags?: unknown } = {};
  try {
    kept = (JSON.parse(store.get(key()) ?? '{}') ?? {}) as typeof kept;
  } catch {
    // Somebody else's, or of another release.
  }
  const known = strings(kept.languages, MATCH_LANGUAGES_MAX).filter((each) => each in LANGUAGES);
  return {
    languages: known.length ? known : [lang.peek()],
    tags: strings(kept.tags, MATCH_TAGS_MAX).filter((each) => each === cleanTag(each)),
  };
}

export function keepWish(wish: Wish): void {
  store.set(key(), JSON.stringify(wish));
}

/** An interest as it is shown and sent; '' when it is none. */
export function cleanTag(text: string): string {
  const tag = text.replace(/^[#\s]+/, '').replace(/\s+/g, ' ').trim();
  return hasVisible(tag) && lengthOf(tag) <= TAG_MAX ? tag : '';
}
