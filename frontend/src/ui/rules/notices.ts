import type { Access } from '../../protocol';
import type { NoticeKind } from '../chat/rows';
import { isolated } from '../rows';
import { ruleTexts } from './texts';

/** What stands for a chat that a host or manager deleted. */
export function deletedText(by: 'host' | 'manager'): string {
  return ruleTexts.value.deleted[by];
}

/** What a host or manager did, to whom (if to anybody), and what stands in the notice's text. */
export function ruleNotice(kind: NoticeKind, by: string, about: string, text: string): string {
  const { notices: t, time } = ruleTexts.value;
  switch (kind) {
    case 'nicknamed': {
      const [now = '', was = ''] = text.split('\n').map(isolated);
      if (!now) return t.account(was);
      return was ? t.calledNow(was, now) : t.called(now);
    }
    case 'role_changed':
      return text === 'manager' ? t.manager(by, about) : t.noManager(by, about);
    case 'kicked':
      return text === 'banned' ? t.banned(by, about) : t.kicked(by, about);
    case 'banned':
      return t.barred(by, about);
    case 'unbanned':
      return t.unbanned(by, about);
    case 'silenced':
      return Number(text) ? t.silenced(by, about, time(Number(text))) : t.heard(by, about);
    case 'slowed':
      return Number(text) ? t.slowed(by, time(Number(text))) : t.quick(by);
    case 'pinned':
      return t.pinned(by);
    case 'unpinned':
      return t.unpinned(by);
    case 'locked':
      return t.locked(by);
    case 'unlocked':
      return t.unlocked(by);
    case 'access_changed':
      return t.access[text as Access]?.(by) ?? '';
    case 'capacity_changed':
      return Number(text) ? t.capacity(by, Number(text)) : t.anyNumber(by);
    case 'words_changed':
      return Number(text) ? t.words(by) : t.noWords(by);
    default: // a notice of a newer server
      return '';
  }
}
