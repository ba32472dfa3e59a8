// @vitest-environment happy-dom
import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Pending } from '../../src/core/changes';
import type { Session } from '../../src/core/session';
import { Scene } from '../core/scene';

let here: Session;
const drawn = signal(0);
const isVisible = signal(true);
vi.mock('../../src/ui/app', () => ({
  isVisible,
  isWide: signal(false),
  session: () => here,
  ticks: signal(0),
  watch: () => void drawn.value,
}));
const { acting, editing, target } = await import('../../src/ui/chat/acting');
const { failures } = await import('../../src/ui/chunks');
const { LogView } = await import('../../src/ui/chat/LogView');
const { RoomsPage } = await import('../../src/ui/pages/RoomsPage');
// The page loads it itself, but a busy machine takes its time over the first.
await import('../../src/ui/rooms');

let root: HTMLElement;
let scene: Scene;
let room: ReturnType<Scene['server']['addRoom']>;

/** Let the server's news arrive, and draw what has changed. */
async function see(): Promise<void> {
  await act(async () => {
    await scene.elapse(100);
    drawn.value++;
  });
}

const chats = () =>
  [...root.querySelectorAll('[data-testid=chat-entry] .bubble')].map((each) => each.textContent);
const log = () => root.querySelector('.log') as HTMLElement;
const newBelow = () => root.querySelector('.to-bottom')?.classList.contains('has-new');

beforeEach(async () => {
  scene = new Scene();
  room = scene.server.addRoom('ping', 'ann', ['bob']);
  scene.server.append(room, 'chat', 'bob', 'hello');
  here = await scene.openIn('ann', room.id);
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  root.remove();
  acting.value = editing.value = null;
  vi.useRealTimers();
});

describe('the log on the page', () => {
  beforeEach(async () => {
    const state = here.rooms.get(room.id);
    if (state) await act(() => render(<LogView room={state} />, root));
  });

  it('shows a chat as it is by now, and nothing of how it became so', async () => {
    expect(chats()).toEqual(['hello']);
    scene.server.change(room, 'bob', 3, { text: 'hello!', edited_at: 1 });
    scene.server.change(room, 'ann', 3, { reactions: { '👍': ['ann'] } });
    scene.server.append(room, 'void', '');
    await see();
    expect(chats()).toEqual(['hello!']);
    expect(root.querySelectorAll('[data-testid=notice]')).toHaveLength(2);
    expect(root.querySelector('[data-testid=edited]')).not.toBeNull();
    expect(root.querySelector('[data-testid=reactions]')?.textContent).toBe('👍 1');
    scene.server.change(room, 'bob', 3, { text: '', deleted: true, reactions: {} });
    await see();
    expect(chats()).toEqual(['삭제된 메시지입니다.']);
    expect(root.querySelector('[data-testid=edited], [data-testid=reactions]')).toBeNull();
  });

  it('says who gave the room which name', async () => {
    scene.server.append(room, 'renamed', 'bob', '탁구장');
    await see();
    const notices = [...root.querySelectorAll('[data-testid=notice]')];
    expect(notices.at(-1)?.textContent).toContain('‘탁구장’');
  });

  /** As somebody does who wants to read what was said before. */
  async function scrollUp(): Promise<void> {
    Object.defineProperties(log(), {
      scrollHeight: { value: 2_000 },
      clientHeight: { value: 500 },
      scrollTop: { value: 700, writable: true },
    });
    await act(() => {
      log().dispatchEvent(new Event('scroll'));
    });
  }

  it('does not call news what was seen at the bottom, also if the page was hidden', async () => {
    scene.server.append(room, 'chat', 'bob', 'seen');
    await see();
    for (const visible of [false, true]) await act(() => void (isVisible.value = visible));
    await scrollUp();
    expect(newBelow()).toBe(false);
  });

  it('is still at the bottom when it brought a chat into sight that was there already', async () => {
    Object.defineProperties(log(), {
      scrollHeight: { value: 500 },
      clientHeight: { value: 500 },
      // There is nothing to scroll, so no event says that it was scrolled.
      scrollTop: { get: () => 0, set: () => {} },
    });
    target.value = { roomId: room.id, seq: 3 };
    await see();
    expect(document.activeElement?.textContent).toContain('hello');
    scene.server.append(room, 'chat', 'bob', 'news');
    await see();
    expect(root.querySelector('.to-bottom.is-shown')).toBeNull();
    expect(here.rooms.get(room.id)?.unread).toBe(0);
  });

  it('does not call a change news to somebody who reads further up', async () => {
    await scrollUp();
    expect(root.querySelector('.to-bottom.is-shown')).not.toBeNull();
    scene.server.change(room, 'ann', 3, { reactions: { '👍': ['ann'] } });
    await see();
    expect(newBelow()).toBe(false);
    scene.server.append(room, 'chat', 'bob', 'news');
    await see();
    expect(newBelow()).toBe(true);
  });
});

describe('from the log to a chat by keyboard', () => {
  const lines = () => [...root.querySelectorAll<HTMLElement>('.line')];
  const press = (key: string) => {
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true });
    document.activeElement?.dispatchEvent(event);
    return event.defaultPrevented;
  };

  /** The first chats end and start at these heights, in pixels; 0 to 300 is in sight. */
  async function lay(...edges: number[]): Promise<void> {
    for (let i = 2; i < edges.length; i++) scene.server.append(room, 'chat', 'bob', `chat ${i}`);
    await see();
    const state = here.rooms.get(room.id);
    if (state) await act(() => render(<LogView room={state} />, root));
    log().getBoundingClientRect = () => new DOMRect(0, 0, 100, 300);
    lines().forEach((line, i) => {
      const [top = 0, bottom = 0] = edges.slice(i);
      line.getBoundingClientRect = () => new DOMRect(0, top, 100, bottom - top);
    });
    await act(() => log().focus());
  }

  it('goes to the last one in sight, and on from there', async () => {
    await lay(-200, -100, 50, 300, 400, 900);
    expect(press('ArrowUp')).toBe(true);
    expect(document.activeElement).toBe(lines()[2]);
    press('ArrowDown');
    expect(document.activeElement).toBe(lines()[3]);
  });

  it('goes to one that fills the log', async () => {
    await lay(-200, -100, 400, 900);
    press('ArrowUp');
    expect(document.activeElement).toBe(lines()[1]);
  });

  it('lets the browser scroll down', async () => {
    await lay(-200, 50, 280, 400);
    expect(press('ArrowDown')).toBe(false);
    expect(document.activeElement).toBe(log());
  });

  it('takes none for the one that has the focus while the log has it', async () => {
    await lay(0, 100, 200);
    expect(lines().map((line) => line.tabIndex)).toEqual([-1, -1]);
  });
});

describe('an edit that was refused', () => {
  beforeEach(async () => {
    scene.server.append(room, 'chat', 'ann', 'mine');
    await see();
    const state = here.rooms.get(room.id);
    if (state) await act(() => render(<LogView room={state} />, root));
  });

  it('is edited again, of the same chat', async () => {
    const failed = { text: 'refused', code: 'chat_not_found' } as const;
    let pending: Pending | undefined = { changes: [], failed };
    vi.spyOn(here.changes, 'of').mockImplementation((_, seq) => (seq === 4 ? pending : undefined));
    vi.spyOn(here.changes, 'in').mockImplementation(() => new Map(pending ? [[4, pending]] : []));
    vi.spyOn(here.changes, 'discard').mockImplementation(() => (pending = undefined));
    await failures.load();
    await see();
    await act(() => root.querySelector<HTMLElement>('[data-testid=edit-send]')?.click());
    expect(editing.value).toEqual({ roomId: room.id, seq: 4, text: 'refused' });
    await see();
    expect(root.querySelector('[data-testid=edit-send]')).toBeNull();
  });
});

describe('a chat that is only a link', () => {
  let link: HTMLElement;

  beforeEach(async () => {
    scene.server.append(room, 'chat', 'bob', 'https://example.com/a');
    await see();
    const state = here.rooms.get(room.id);
    if (state) await act(() => render(<LogView room={state} />, root));
    link = root.querySelector('.bubble a') as HTMLElement;
    vi.useFakeTimers();
  });

  it('has a menu for a finger that rests on it', () => {
    const how = { bubbles: true, pointerType: 'touch', isPrimary: true, clientX: 5, clientY: 5 };
    link.dispatchEvent(new PointerEvent('pointerdown', how));
    vi.advanceTimersByTime(449);
    expect(acting.value).toBeNull();
    vi.advanceTimersByTime(1);
    expect(acting.value).toMatchObject({ what: 'menu', text: 'https://example.com/a' });
    // And the link is not followed when the finger goes up.
    const up = new Event('touchend', { bubbles: true, cancelable: true });
    link.dispatchEvent(up);
    expect(up.defaultPrevented).toBe(true);
  });

  it('keeps no other touch from being a click, when the browser took the finger', () => {
    const how = { bubbles: true, pointerType: 'touch', isPrimary: true, clientX: 5, clientY: 5 };
    link.dispatchEvent(new PointerEvent('pointerdown', how));
    vi.advanceTimersByTime(450);
    expect(acting.value).not.toBeNull();
    link.dispatchEvent(new Event('touchcancel', { bubbles: true }));
    const up = new Event('touchend', { bubbles: true, cancelable: true });
    link.dispatchEvent(up);
    expect(up.defaultPrevented).toBe(false);
  });

  it.each([
    ['touch', true],
    ['mouse', false],
  ])("has a menu instead of the browser's: %s, %s", (pointerType, isOurs) => {
    const event = new PointerEvent('contextmenu', { bubbles: true, cancelable: true, pointerType });
    link.dispatchEvent(event);
    expect(event.defaultPrevented).toBe(isOurs);
    expect(acting.value !== null).toBe(isOurs);
  });
});

describe('the room list on the page', () => {
  it('shows the last chat as it is by now', async () => {
    await act(() => render(<RoomsPage roomId={null} />, root));
    const preview = () => root.querySelector('.room-preview');
    await vi.waitFor(() => expect(preview()).not.toBeNull());
    expect(preview()?.textContent).toBe('hello');
    scene.server.change(room, 'bob', 3, { text: 'hello!', edited_at: 1 });
    await see();
    expect(preview()?.textContent).toBe('hello!');
    scene.server.change(room, 'bob', 3, { text: '', deleted: true });
    await see();
    expect(preview()?.textContent).toBe('삭제된 메시지입니다.');
    expect(preview()?.classList.contains('muted')).toBe(true);
  });
});
