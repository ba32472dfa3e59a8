// @vitest-environment happy-dom
import { render, type ComponentChild } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES } from '../../src/choices';
import { ko } from '../../src/i18n/ko';
import { preferredLang } from '../../src/i18n';
import { setLang } from '../../src/ui/app';
import { Bubble, type BubbleProps } from '../../src/ui/chat/Bubble';
import { failureText } from '../../src/ui/failure';
import { SignIn } from '../../src/ui/pages/SignIn';
import { routeOf, safeNext } from '../../src/ui/router';

let root: HTMLElement;

async function show(what: ComponentChild): Promise<void> {
  await act(() => render(what, root));
}

beforeEach(() => {
  vi.stubGlobal('fetch', async () => Response.json({ signed_in: false }));
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  root.remove();
  return setLang('ko');
});

describe('the sign-in page', () => {
  const message = () => root.querySelector('[data-testid=sign-in-error]')?.textContent ?? '';

  it.each(ERROR_CODES)('explains %s in both languages, and only once', async (code) => {
    history.replaceState(null, '', `/sign-in?error=${code}`);
    await show(<SignIn />);
    await vi.waitFor(() => expect(message()).not.toBe(''));
    expect(message()).toContain(failureText(code));
    const korean = message();
    await act(() => setLang('en'));
    expect(message()).toContain(failureText(code));
    expect(message()).not.toBe(korean);
    expect(location.search).toBe('');
  });

  it.each(['<img src=x>', 'toString', '__proto__', 'no_such_code'])(
    'shows nothing of an unknown code (%s)',
    async (code) => {
      history.replaceState(null, '', `/sign-in?error=${encodeURIComponent(code)}`);
      await show(<SignIn />);
      await vi.waitFor(() => expect(message()).toContain(ko.failed));
      expect(root.innerHTML).not.toContain('no_such_code');
      expect(root.querySelector('img')).toBeNull();
    },
  );

  it('leads on to where one wanted to go, if that is of this site', async () => {
    history.replaceState(null, '', '/sign-in?next=/rooms/abc');
    await show(<SignIn />);
    expect(root.querySelector('a.kakao')?.getAttribute('href')).toBe(
      '/api/auth/kakao?next=%2Frooms%2Fabc',
    );
  });
});

describe('a bubble', () => {
  const plain: BubbleProps = {
    roomId: 'r',
    userId: 'u',
    name: '지민',
    text: '안녕하세요',
    replyTo: 0,
    time: '오후 3:00',
    iso: '',
    seq: 1,
    cid: '',
    state: 'sent',
    failed: undefined,
    change: '',
    isEdited: false,
    isDeleted: false,
    deleter: '',
    reactions: '',
    isKept: true,
    isQueued: false,
    isOwn: false,
    isFirst: true,
    isLast: true,
    isActive: false,
      unreadBy: 0,
  };

  it('shows what people write as they wrote it', async () => {
    const text = '<img src=x onerror=alert(1)> & <b>굵게</b>';
    await show(<Bubble {...plain} name={'<script>alert(1)</script>'} text={text} />);
    expect(root.querySelector('.bubble')?.textContent).toBe(text);
    expect(root.querySelector('img, script, b')).toBeNull();
  });

  it('says that it was edited, in the language of the page', async () => {
    const mark = () => root.querySelector('[data-testid=edited]')?.textContent;
    await show(<Bubble {...plain} />);
    expect(mark()).toBeUndefined();
    await show(<Bubble {...plain} isEdited />);
    expect(mark()).toBe('(수정됨)');
    await act(() => setLang('en'));
    expect(mark()).toBe('(edited)');
  });

  it('says that it was deleted in place of what it said', async () => {
    await show(<Bubble {...plain} text="" isDeleted />);
    expect(root.querySelector('.bubble.is-deleted')?.textContent).toBe('삭제된 메시지입니다.');
    await act(() => setLang('en'));
    expect(root.querySelector('.bubble')?.textContent).toBe('This message was deleted.');
  });

  it('shows reactions with their names and counts', async () => {
    const chips = () =>
      [...root.querySelectorAll('[data-testid=reactions] button')].map((chip) => [
        chip.textContent,
        chip.getAttribute('aria-label'),
      ]);
    await show(<Bubble {...plain} />);
    expect(root.querySelector('[data-testid=reactions]')).toBeNull();
    await show(<Bubble {...plain} reactions={`👍 ${"abcdefghijkl".split("").join()} 👨‍👩‍👧 u`} />);
    expect(chips()).toEqual([
      ['👍 12', '👍 12, 반응'],
      ['👨‍👩‍👧 1', '👨‍👩‍👧 1, 반응'],
    ]);
    await act(() => setLang('en'));
    expect(chips().map(([, name]) => name)).toEqual(['👍: 12 reactions', '👨‍👩‍👧: 1 reaction']);
  });
});

describe('paths', () => {
  it.each([
    ['/', 'landing'],
    ['/sign-in', 'sign-in'],
    ['/rooms', 'rooms'],
    ['/rooms/', 'rooms'],
    ['/rooms/abc-DEF_1', 'room'],
    ['/rooms/abc/def', 'not-found'],
    ['/rooms/%2e%2e', 'not-found'],
    ['/me', 'me'],
    ['/nowhere', 'not-found'],
  ])('%s is %s', (path, page) => {
    expect(routeOf(path).page).toBe(page);
  });

  it.each([
    ['/rooms/a', '/rooms/a'],
    ['/me', '/me'],
    ['/rooms?meet', '/rooms?meet'],
    ['/rooms?meet=x&y', '/rooms'],
    ['/i/room/token', '/i/room/token'],
    ['/install', '/rooms'],
    ['//evil.example', '/rooms'],
    ['https://evil.example', '/rooms'],
    ['/\\evil.example', '/rooms'],
    [null, '/rooms'],
  ])('after signing in, %s becomes %s', (next, path) => {
    expect(safeNext(next)).toBe(path);
  });
});

describe('the language', () => {
  it.each([
    ['en', 'ko-KR', 'en'],
    [null, 'ko', 'ko'],
    [null, 'ko-KR', 'ko'],
    [null, 'en-US', 'en'],
    [null, 'ja', 'en'],
    [null, 'kok', 'en'],
    [null, undefined, 'ko'],
    ['fr', 'ko-KR', 'ko'],
  ] as const)('stored %s and browser %s give %s', (stored, browser, lang) => {
    expect(preferredLang(stored, browser)).toBe(lang);
  });
});
