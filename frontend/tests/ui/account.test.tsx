// @vitest-environment happy-dom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Failure } from '../../src/core/failure';
import { TERMS_VERSION } from '../../src/protocol';
import { isSignedIn, setSignedIn } from '../../src/ui/app';
import { Consent } from '../../src/ui/account/Consent';
import { Devices } from '../../src/ui/account/Devices';
import { Exporting } from '../../src/ui/account/exporting';
import type { Answer } from '../../src/ui/account/api';

let root: HTMLElement;
let asked: { path: string; content: unknown }[];
let answers: Record<string, () => Response>;

const find = <T extends HTMLElement>(testId: string): T | null =>
  root.querySelector<T>(`[data-testid="${testId}"]`);

async function click(testId: string): Promise<void> {
  await act(async () => {
    find(testId)?.click();
    await new Promise((resolve) => setTimeout(resolve));
  });
}

beforeEach(() => {
  asked = [];
  answers = {};
  vi.stubGlobal('fetch', async (path: string, how: RequestInit = {}) => {
    asked.push({ path, content: how.body ? JSON.parse(how.body as string) : undefined });
    return answers[path]?.() ?? Response.json({});
  });
  vi.spyOn(location, 'assign').mockImplementation(() => {});
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(async () => {
  await act(() => render(null, root));
  root.remove();
  vi.restoreAllMocks();
});

describe('agreeing to the terms', () => {
  beforeEach(async () => {
    setSignedIn(false);
    history.replaceState(null, '', '/sign-in?consent=1');
    await act(() => render(<Consent next="/rooms/abc" />, root));
  });
  const start = () => find<HTMLButtonElement>('consent-start');

  it('takes every point, and then leads on', async () => {
    expect(start()?.disabled).toBe(true);
    for (const point of ['age', 'terms']) await click(`consent-${point}`);
    expect(start()?.disabled).toBe(true);
    await click('consent-privacy');
    expect(find<HTMLInputElement>('consent-all')?.checked).toBe(true);
    await click('consent-start');
    await vi.waitFor(() => expect(location.pathname).toBe('/rooms/abc'));
    const content = { version: TERMS_VERSION, is_14_or_older: true, agrees: true };
    expect(asked).toEqual([{ path: '/api/consent', content }]);
    expect(isSignedIn.value).toBe(true);
  });

  it('can be done for all at once, and undone', async () => {
    await click('consent-all');
    expect(start()?.disabled).toBe(false);
    await click('consent-age');
    expect(find<HTMLInputElement>('consent-all')?.checked).toBe(false);
    expect(start()?.disabled).toBe(true);
    await click('consent-all');
    await click('consent-all');
    for (const point of ['age', 'terms', 'privacy']) {
      expect(find<HTMLInputElement>(`consent-${point}`)?.checked).toBe(false);
    }
  });

  it('says that there are newer ones, and stays', async () => {
    answers['/api/consent'] = () => Response.json({ code: 'invalid_field' }, { status: 400 });
    await click('consent-all');
    await click('consent-start');
    await vi.waitFor(() =>
      expect(root.querySelector('[role=alert]')?.textContent).toContain('새로 고쳐'),
    );
    expect(location.pathname).toBe('/sign-in');
    expect(start()?.disabled).toBe(false);
  });

  it('can be refused', async () => {
    answers['/api/auth/withdraw'] = () => Response.json({ redirect: '/' });
    await click('consent-refuse');
    expect(asked).toEqual([]);
    await click('consent-withdraw');
    await vi.waitFor(() => expect(location.assign).toHaveBeenCalledWith('/'));
    expect(asked.map(({ path }) => path)).toEqual(['/api/auth/withdraw']);
  });
});

describe('the list of devices', () => {
  const device = (id: string, more: object = {}) => ({
    id,
    signed_in_at: 0,
    browser: 'chrome',
    system: 'android',
    is_current: false,
    is_connected: false,
    ...more,
  });
  const names = () =>
    [...root.querySelectorAll('[data-testid=device]')].map((each) => each.querySelector('b')?.textContent);

  async function show(...sessions: object[]): Promise<void> {
    answers['/api/sessions'] = () => Response.json({ sessions });
    await act(() => render(<Devices />, root));
    await vi.waitFor(() => expect(names()).toHaveLength(sessions.length));
  }

  it('has this one first, which is signed out elsewhere', async () => {
    await show(
      device('a', { browser: 'kakaotalk', system: 'ios', is_connected: true }),
      device('b', { browser: 'unheard-of', system: '' }),
      device('c', { is_current: true }),
    );
    expect(names()).toEqual(['Chrome · Android', '카카오톡 · iPhone', '알 수 없는 브라우저']);
    const [here, there] = [...root.querySelectorAll('[data-testid=device]')];
    expect(here?.querySelector('button')).toBeNull();
    expect(here?.textContent).toContain('이 기기');
    expect(there?.textContent).toContain('지금 접속 중');
  });

  it('takes away what was signed out, one or all others', async () => {
    await show(device('a'), device('b'), device('c', { is_current: true }));
    await click('end-session');
    await vi.waitFor(() => expect(names()).toHaveLength(2));
    expect(asked.at(-1)).toEqual({ path: '/api/sessions/end', content: { id: 'a' } });
    await act(() => render(null, root));
    await show(device('a'), device('b'), device('c', { is_current: true }));
    await click('end-others');
    await vi.waitFor(() => expect(names()).toEqual(['Chrome · Android']));
    expect(asked.at(-1)).toEqual({ path: '/api/sessions/end', content: { others: true } });
  });

  it('keeps what could not be signed out', async () => {
    await show(device('a'), device('c', { is_current: true }));
    answers['/api/sessions/end'] = () => Response.json({ code: 'internal' }, { status: 500 });
    await click('end-session');
    await vi.waitFor(() => expect(root.querySelector('[role=alert]')).not.toBeNull());
    expect(names()).toHaveLength(2);
  });
});

describe('a copy of one’s data', () => {
  const said = (...texts: string[]) => texts.map((text, seq) => ({ seq, text }));

  function pages(...all: (Answer | Failure)[]): (cursor: string) => Promise<Answer> {
    const cursors: string[] = [];
    return async (cursor) => {
      cursors.push(cursor);
      const page = all.shift();
      if (!page) throw new Error(`asked too often: ${cursors.join()}`);
      if (page instanceof Failure) throw page;
      return page;
    };
  }
  const whole = (exporting: Exporting) => JSON.parse(exporting.parts.join('')) as unknown;

  it('is one file of all pages, each room once', async () => {
    const exporting = new Exporting(
      pages(
        { profile: { nickname: '"지민"' }, next: '1' },
        { chats: [{ room_id: 'a', chats: [] }, { room_id: 'b', chats: said('하나', '둘') }], next: '2' },
        { chats: [{ room_id: 'b', chats: said('셋') }], next: '3' },
        { chats: [{ room_id: 'b', chats: [] }, { room_id: 'c', chats: said('넷') }], next: null },
      ),
    );
    const counts: number[] = [];
    await exporting.run(() => counts.push(exporting.chats));
    expect(counts).toEqual([0, 2, 3, 4]);
    expect(whole(exporting)).toEqual({
      profile: { nickname: '"지민"' },
      chats: [
        { room_id: 'b', chats: [...said('하나', '둘'), ...said('셋')] },
        { room_id: 'c', chats: said('넷') },
      ],
    });
  });

  it('is a file also if one never said anything', async () => {
    const exporting = new Exporting(pages({ rooms: [], next: '1' }, { chats: [], next: null }));
    await exporting.run(() => {});
    expect(whole(exporting)).toEqual({ rooms: [], chats: [] });
  });

  it('goes on where it broke off', async () => {
    const exporting = new Exporting(
      pages(
        { rooms: [], next: '1' },
        { chats: [{ room_id: 'a', chats: said('하나') }], next: '2' },
        new Failure('lost'),
        { chats: [{ room_id: 'a', chats: said('둘') }], next: null },
      ),
    );
    await expect(exporting.run(() => {})).rejects.toMatchObject({ code: 'lost' });
    expect(exporting.hasBegun).toBe(true);
    await exporting.run(() => {});
    expect(whole(exporting)).toEqual({
      rooms: [],
      chats: [{ room_id: 'a', chats: [...said('하나'), ...said('둘')] }],
    });
  });

  it('has not begun when the first page is refused', async () => {
    const exporting = new Exporting(pages(new Failure('too_fast')));
    await expect(exporting.run(() => {})).rejects.toMatchObject({ code: 'too_fast' });
    expect(exporting.hasBegun).toBe(false);
  });
});
