// @vitest-environment happy-dom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  forget,
  hasSession,
  isSignedIn,
  session,
  setLang,
  setSignedIn,
  signInReason,
  startSessionEvents,
} from '../../src/ui/app';
import { store } from '../../src/ui/browser';
import { MePage } from '../../src/ui/pages/MePage';

/** A socket that never opens: HTTP works, the WebSocket does not. */
class DeadSocket {
  close(): void {}
  send(): void {}
}

const DRAFT = 'ping-pong.draft.ann.r';
const OUTBOX = 'ping-pong.outbox.ann.c';
let root: HTMLElement;
let answer: Response;
let told: (string | null)[];

const heard = (key: string, newValue: string | null) =>
  dispatchEvent(Object.assign(new Event('storage'), { key, newValue }));
const left = () => Object.keys(localStorage).filter((key) => key.startsWith('ping-pong.'));

startSessionEvents();

beforeEach(() => {
  told = [];
  vi.stubGlobal('WebSocket', DeadSocket);
  vi.stubGlobal('fetch', async () => answer.clone());
  vi.spyOn(location, 'assign').mockImplementation(() => {});
  localStorage.clear();
  for (const key of [DRAFT, OUTBOX]) localStorage.setItem(key, '{}');
  localStorage.setItem('ping-pong.user', 'ann');
  setSignedIn(true);
  history.replaceState(null, '', '/me');
  const { set } = store;
  vi.spyOn(store, 'set').mockImplementation((key, value) => {
    if (key === 'ping-pong.bye') told.push(value);
    return set(key, value);
  });
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(async () => {
  await act(() => render(null, root));
  root.remove();
  vi.restoreAllMocks();
  // Whatever a test left: the next one is a page of its own.
  heard('ping-pong.bye', '');
});

async function signOut(): Promise<void> {
  await act(() => render(<MePage />, root));
  const button = root.querySelector<HTMLButtonElement>('[data-testid=sign-out]');
  await act(async () => {
    button?.click();
    await new Promise((resolve) => setTimeout(resolve));
  });
}

describe('signing out', () => {
  it('leaves nothing on the device, also without a connection', async () => {
    answer = Response.json({ redirect: '/' });
    await signOut();
    expect(location.assign).toHaveBeenCalledWith('/');
    expect(left()).toEqual([]);
    expect(told).toEqual(['ann']);
  });

  it('leaves nothing where the session was over already', async () => {
    answer = Response.json({ code: 'signed_out' }, { status: 401 });
    await signOut();
    expect(location.pathname).toBe('/sign-in');
    expect(left()).toEqual([]);
    expect(told).toEqual(['ann']);
  });

  it('keeps everything where it could not be done', async () => {
    answer = Response.json({ code: 'internal' }, { status: 500 });
    await signOut();
    expect(left()).toEqual(expect.arrayContaining([DRAFT, OUTBOX]));
    expect(told).toEqual([]);
  });
});

describe('an edit or a deletion that has not got there', () => {
  const asks = () => {
    const event = new Event('beforeunload', { cancelable: true }) as BeforeUnloadEvent;
    window.onbeforeunload?.(event);
    return event.defaultPrevented;
  };

  it('is asked about before signing out', async () => {
    answer = Response.json({ redirect: '/' });
    await act(() => render(<MePage />, root));
    void session().changes.make('r', 3, { type: 'delete' });
    await signOut();
    expect(location.assign).not.toHaveBeenCalled();
    expect(root.textContent).toContain('수정·삭제가 1건');
    await act(() => setLang('en'));
    expect(root.textContent).toContain('One message or change');
    await act(() => setLang('ko'));
  });

  it('is asked about before the page goes, as long as there is one', () => {
    const { changes } = session();
    void changes.make('r', 3, { type: 'react', emoji: '👍', on: true });
    expect([asks(), window.onbeforeunload]).toEqual([false, null]);
    void changes.make('r', 4, { type: 'edit', text: 'later' });
    expect(asks()).toBe(true);
    heard('ping-pong.bye', 'ann');
    expect([asks(), window.onbeforeunload]).toEqual([false, null]);
  });

  it('is not asked about once more when one has signed out all the same', () => {
    void session().changes.make('r', 4, { type: 'edit', text: 'later' });
    expect(asks()).toBe(true);
    forget();
    expect([asks(), window.onbeforeunload]).toEqual([false, null]);
  });
});

describe('signing out in another tab', () => {
  it('ends this one, with what it wrote in between, and is not told on', () => {
    session();
    heard('ping-pong.bye', 'ann');
    expect([hasSession(), isSignedIn.value, location.pathname]).toEqual([false, false, '/sign-in']);
    expect(signInReason.value).toBe('signed_out');
    expect(left()).toEqual([]);
    expect(told).toEqual([]);
  });

  it('clears away what a tab wrote that has no session any more, and leaves its page', () => {
    heard('ping-pong.bye', 'ann');
    expect(left().filter((key) => key !== 'ping-pong.signed-in')).toEqual([]);
    expect(location.pathname).toBe('/me');
  });

  it.each([
    ['ping-pong.bye', null],
    ['ping-pong.signed-in', null],
    ['ping-pong.lang', 'en'],
  ])('is not what %s = %s says', (key, value) => {
    const before = session();
    heard(key, value);
    expect(session()).toBe(before);
    expect(left()).toEqual(expect.arrayContaining([DRAFT, OUTBOX]));
  });
});
