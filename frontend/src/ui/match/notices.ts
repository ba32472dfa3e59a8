import { isolated } from '../rows';
import { matchTexts } from './texts';

/** What the log of a room for two says of the two. */
export function pairNotice(kind: string, name: string, text: string): string {
  const t = matchTexts.value;
  if (kind === 'keep_asked') return t.keepAsked(name);
  if (kind === 'kept') return t.kept;
  const tags = text.split(' ').filter(Boolean);
  return t.matched(tags.map((tag) => isolated(`#${tag}`)).join(' '));
}
