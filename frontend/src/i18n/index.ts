import { computed, signal } from '@preact/signals';
import { ko, type Messages } from './ko';

export type Lang = 'ko' | 'en';
export type { Messages };

/** Korean, unless the browser asks for something else. */
export function preferredLang(stored: string | null, browser: string | undefined): Lang {
  if (stored === 'ko' || stored === 'en') return stored;
  return !browser || /^ko\b/i.test(browser) ? 'ko' : 'en';
}

export const lang = signal<Lang>('ko');

/** A chunk of its own: who reads Korean does not load it. */
let en: Messages | undefined;

/** Resolves when the texts of a language are there; before that, it can't be the page's. */
export async function loadLang(wanted: Lang): Promise<void> {
  if (wanted === 'en') en ??= (await import('./en')).en;
}

/** The texts in the language of the page. */
export const texts = computed<Messages>(() => (lang.value === 'ko' ? ko : (en ?? ko)));

const tags: Record<Lang, string> = { ko: 'ko-KR', en: 'en-GB' };

/** Making a formatter costs more than a hundred uses of it, so each is made once. */
const formats = computed(() => {
  const tag = tags[lang.value];
  return {
    time: new Intl.DateTimeFormat(tag, { hour: 'numeric', minute: '2-digit', hour12: true }),
    day: new Intl.DateTimeFormat(tag, {
      year: 'numeric',
      month: 'long',
      day: 'numeric',
      weekday: 'long',
    }),
    date: new Intl.DateTimeFormat(tag, { month: 'short', day: 'numeric' }),
    ago: new Intl.RelativeTimeFormat(tag, { numeric: 'auto', style: 'narrow' }),
    oldDate: new Intl.DateTimeFormat(tag, { year: '2-digit', month: 'numeric', day: 'numeric' }),
  };
});

export function timeText(at: number): string {
  return formats.value.time.format(at);
}

export function dayText(at: number): string {
  return formats.value.day.format(at);
}

/** The day of a moment, on this machine's calendar. */
export function dayOf(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** As short as it can be: just now, minutes ago, the time today, "yesterday", else the date. */
export function shortTimeText(at: number, now: number): string {
  const { ago } = formats.value;
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return texts.value.time.now;
  if (minutes < 60) return ago.format(-minutes, 'minute');
  if (dayOf(at) === dayOf(now)) return timeText(at);
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayOf(at) === dayOf(yesterday.getTime())) return ago.format(-1, 'day');
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return (isThisYear ? formats.value.date : formats.value.oldDate).format(at);
}
