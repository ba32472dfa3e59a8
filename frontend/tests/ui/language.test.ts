// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { en } from '../../src/i18n/en';
import { ko } from '../../src/i18n/ko';

/** Whether the chunk with the English texts can be loaded. */
let isThere = true;
vi.doMock('../../src/i18n/en', () => ({
  get en() {
    if (!isThere) throw new Error('not loaded');
    return en;
  },
}));

/** A page that was just opened. */
async function open() {
  vi.resetModules();
  return { ...(await import('../../src/i18n')), ...(await import('../../src/ui/app')) };
}

beforeEach(() => {
  vi.useFakeTimers();
  isThere = false;
  localStorage.clear();
});

afterEach(() => void vi.useRealTimers());

it('keeps the page as it is while the other texts are not there, and tries again', async () => {
  const { lang, texts, setLang, toast } = await open();
  await setLang('en');
  expect(texts.value.retry).toBe(ko.retry);
  expect(document.documentElement.lang).toBe('ko');
  expect(toast.value).toBe(ko.notLoaded);
  isThere = true;
  await vi.runOnlyPendingTimersAsync();
  expect(lang.value).toBe('en');
  expect(texts.value.retry).toBe(en.retry);
  expect(document.documentElement.lang).toBe('en');
});

it('tries no more once Korean is wanted again', async () => {
  const { lang, setLang } = await open();
  await setLang('en');
  await setLang('ko');
  isThere = true;
  await vi.runOnlyPendingTimersAsync();
  expect(lang.value).toBe('ko');
});

it('starts in Korean when the texts that one reads can not be had, without a word', async () => {
  localStorage.setItem('ping-pong.lang', 'en');
  document.documentElement.lang = 'en';
  const { loadChoices, toast } = await open();
  await loadChoices();
  expect(document.documentElement.lang).toBe('ko');
  expect(toast.value).toBe('');
});
