// @vitest-environment happy-dom
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Blocks } from '../../src/core/blocks';
import type { Begun, Mark } from '../../src/core/drafts';
import { CHAT_TEXT_MAX } from '../../src/protocol';

const send = vi.fn();
const drafts = new Map<string, Begun>();
const signalTyping = vi.fn();
const make = vi.fn(() => Promise.resolve(''));
const entries = [
  { seq: 1, user_id: 'ann', text: 'first' },
  { seq: 2, user_id: 'ann', text: 'second' },
];
let outgoing: object[] = [];
const here = {
  send,
  me: { user_id: 'ann' },
  rooms: { get: () => ({ log: { entries }, at: (seq: number) => entries[seq - 1] }) },
  changes: { of: () => undefined, make },
  outgoing: () => outgoing,
  called: (userId: string) => ({ ann: '지민', bob: '민수' })[userId],
  quoted: (_: string, seq: number): object | null => entries[seq - 1] ?? null,
  blocks: new Blocks(() => undefined),
  draft: (roomId: string): Begun => drafts.get(roomId) ?? { text: '' },
  keepDraft(roomId: string, text: string, replyTo = 0, marks: readonly Mark[] = []) {
    const reply = replyTo ? { reply: { seq: replyTo, epoch: 'e1' } } : {};
    drafts.set(roomId, { text, marks, ...reply });
  },
  signalTyping,
};
vi.mock('../../src/ui/app', () => ({
  isWide: { peek: () => true },
  session: () => here,
  watch: () => {},
}));
const { editing, reply, replying } = await import('../../src/ui/chat/acting');
const { Composer, putBack } = await import('../../src/ui/chat/Composer');

let root: HTMLElement;
let room = 0;
const box = () => root.querySelector('textarea') as HTMLTextAreaElement;

async function type(text: string): Promise<void> {
  await act(() => {
    box().value = text;
    box().dispatchEvent(new Event('input', { bubbles: true }));
  });
}

async function press(init: KeyboardEventInit & { keyCode?: number }): Promise<boolean> {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
  if (init.keyCode) Object.defineProperty(event, 'keyCode', { value: init.keyCode });
  if (init.isComposing) Object.defineProperty(event, 'isComposing', { value: true });
  await act(() => {
    box().dispatchEvent(event);
  });
  return event.defaultPrevented;
}

async function edit(seq: number, text = entries[seq - 1]?.text ?? ''): Promise<void> {
  await act(() => void (editing.value = { roomId: `room${room}`, seq, text }));
}

beforeEach(async () => {
  send.mockReset();
  make.mockClear();
  outgoing = [];
  root = document.createElement('div');
  document.body.append(root);
  await act(() => render(<Composer roomId={`room${++room}`} />, root));
});

afterEach(() => {
  render(null, root);
  root.remove();
});

describe('Composer', () => {
  it('sends on Enter, trimmed, and is empty then', async () => {
    await type('  안녕하세요 ');
    expect(await press({ key: 'Enter' })).toBe(true);
    expect(send).toHaveBeenCalledExactlyOnceWith(`room${room}`, '안녕하세요', undefined);
    expect(box().value).toBe('');
  });

  it('signals that something is being written, not that it is taken back', async () => {
    signalTyping.mockReset();
    await type('안');
    expect(signalTyping).toHaveBeenCalledWith(`room${room}`);
    await type(' ');
    await type('');
    expect(signalTyping).toHaveBeenCalledTimes(1);
  });

  it('breaks the line on Shift+Enter', async () => {
    await type('안녕');
    expect(await press({ key: 'Enter', shiftKey: true })).toBe(false);
    expect(send).not.toHaveBeenCalled();
  });

  it.each([
    ['isComposing', { isComposing: true }],
    ['keyCode 229', { keyCode: 229 }],
  ])('leaves the Enter that ends a Hangul composition alone (%s)', async (_, how) => {
    await type('안녕');
    expect(await press({ key: 'Enter', ...how })).toBe(false);
    expect(send).not.toHaveBeenCalled();
    expect(box().value).toBe('안녕');
  });

  it.each([' \n ', '\u200b', '\u3164\u115f', '\u0007', '\u200d\ufe0f'])(
    'does not send nothing (%j)',
    async (text) => {
      await type(text);
      await press({ key: 'Enter' });
      expect(send).not.toHaveBeenCalled();
    },
  );

  it('leaves out what the server refuses', async () => {
    await type('a\u0000\u0008b\u007f\u0085\n\tc\ud800 👨‍👩‍👧');
    await press({ key: 'Enter' });
    expect(send).toHaveBeenCalledExactlyOnceWith(`room${room}`, 'ab\n\tc 👨‍👩‍👧', undefined);
  });

  it('has the focus where there are two panes', () => {
    expect(document.activeElement).toBe(box());
  });

  it('takes back what could not be sent, before what is being written', async () => {
    await type('다음 글');
    await act(() => putBack('고칠 글'));
    expect(box().value).toBe('고칠 글\n다음 글');
  });

  it('does not mix what it takes back with a chat that is being edited', async () => {
    await type('다음 글');
    await edit(1);
    await type('first, changed');
    await act(() => putBack('고칠 글'));
    expect(editing.value).toBeNull();
    expect(box().value).toBe('고칠 글\n다음 글');
    await press({ key: 'Enter' });
    expect(send).toHaveBeenCalledExactlyOnceWith(`room${room}`, '고칠 글\n다음 글', undefined);
    expect(make).not.toHaveBeenCalled();
  });

  it('edits a chat, and keeps what was being written', async () => {
    await type('다음 글');
    await edit(1);
    expect(box().value).toBe('first');
    await type('first!');
    await press({ key: 'Enter' });
    expect(make).toHaveBeenCalledExactlyOnceWith(`room${room}`, 1, { type: 'edit', text: 'first!' });
    expect(send).not.toHaveBeenCalled();
    expect(box().value).toBe('다음 글');
  });

  it('makes an edit that was refused again, and none that changes nothing', async () => {
    await edit(1);
    await press({ key: 'Enter' });
    expect(make).not.toHaveBeenCalled();
    await edit(1, 'refused');
    await press({ key: 'Enter' });
    expect(make).toHaveBeenCalledExactlyOnceWith(`room${room}`, 1, { type: 'edit', text: 'refused' });
  });

  it('edits the last chat on ArrowUp', async () => {
    expect(await press({ key: 'ArrowUp' })).toBe(true);
    expect(box().value).toBe('second');
    expect(box().selectionStart).toBe('second'.length);
  });

  it('does not edit an older chat while the last one is on its way', async () => {
    outgoing = [{}];
    expect(await press({ key: 'ArrowUp' })).toBe(false);
    expect(editing.value).toBeNull();
  });

  it.each(['shiftKey', 'altKey', 'ctrlKey', 'metaKey'])('does not edit with %s', async (key) => {
    expect(await press({ key: 'ArrowUp', [key]: true })).toBe(false);
    expect(editing.value).toBeNull();
  });

  it('never shows the words of another edit', async () => {
    await edit(1);
    await type('first, changed');
    await press({ key: 'Escape' });
    const shown: string[] = [];
    const mirror = root.querySelector('.composer-mirror') as HTMLElement;
    const observer = new MutationObserver(() => shown.push(mirror.textContent));
    observer.observe(mirror, { characterData: true, childList: true, subtree: true });
    // Without act(), effects run after the drawing, as on a page.
    editing.value = { roomId: `room${room}`, seq: 2, text: 'second' };
    await vi.waitFor(() => expect(box().selectionStart).toBe('second'.length));
    observer.disconnect();
    expect(shown.map((each) => each.replace('\u200b', ''))).toEqual(['second']);
  });

  it('answers a chat, says so, and answers none with what comes next', async () => {
    await type('커피');
    await act(() => reply(`room${room}`, 1));
    const banner = () => root.querySelector('[data-testid=replying]');
    expect(banner()?.textContent).toContain('first');
    expect(box().value).toBe('커피');
    await type('커피요');
    await press({ key: 'Enter' });
    expect(send).toHaveBeenCalledExactlyOnceWith(`room${room}`, '커피요', 1);
    expect([banner(), replying.value]).toEqual([null, null]);
    await type('네');
    await press({ key: 'Enter' });
    expect(send).toHaveBeenLastCalledWith(`room${room}`, '네', undefined);
    expect(here.draft(`room${room}`).reply).toBeUndefined();
  });

  it('stops editing first, then answering, on Escape', async () => {
    await act(() => reply(`room${room}`, 1));
    await edit(2);
    expect(root.querySelector('[data-testid=editing]')).not.toBeNull();
    expect(await press({ key: 'Escape', isComposing: true })).toBe(false);
    expect(await press({ key: 'Escape' })).toBe(true);
    expect([editing.value, replying.value]).toEqual([null, { roomId: `room${room}`, seq: 1 }]);
    expect(await press({ key: 'Escape' })).toBe(true);
    expect(replying.value).toBeNull();
    expect(await press({ key: 'Escape' })).toBe(false);
  });

  it('keeps what it answers with the draft, and takes it up again', async () => {
    await act(() => reply(`room${room}`, 2));
    await type('아직');
    await act(() => render(<Composer key="other" roomId="other" />, root));
    expect(root.querySelector('[data-testid=replying]')).toBeNull();
    await act(() => render(<Composer key="back" roomId={`room${room}`} />, root));
    expect(root.querySelector('[data-testid=replying]')?.textContent).toContain('second');
    await press({ key: 'Enter' });
    expect(send).toHaveBeenCalledExactlyOnceWith(`room${room}`, '아직', 2);
  });

  it('takes back what a chat answered, unless that is not there', async () => {
    await act(() => putBack('고칠 글', 2));
    expect(replying.value?.seq).toBe(2);
    await act(() => reply(`room${room}`, 0));
    await act(() => putBack('고칠 글', 99));
    expect(replying.value).toBeNull();
  });

  it('shows names, and sends whom they mean', async () => {
    await edit(1, '<@bob>님, <@ann> <@nobody>');
    expect(box().value).toBe('@민수님, @지민 <@nobody>');
    expect(root.querySelector('[data-testid=editing]')?.textContent).toContain('@민수님, @지민');
    await type('@민수님, @지민 <@nobody>!');
    await press({ key: 'Enter' });
    const text = '<@bob>님, <@ann> <@nobody>!';
    expect(make).toHaveBeenCalledExactlyOnceWith(`room${room}`, 1, { type: 'edit', text });
  });

  it('counts people as they are sent', async () => {
    await act(() => putBack(`<@bob>${'a'.repeat(CHAT_TEXT_MAX - 6)}`));
    expect(root.querySelector('.counter')?.textContent).toBe(`${CHAT_TEXT_MAX} / ${CHAT_TEXT_MAX}`);
    expect(box().value.length).toBe(CHAT_TEXT_MAX - 3);
  });

  it('counts near the limit, in letters, and does not send beyond it', async () => {
    await type('🏓'.repeat(CHAT_TEXT_MAX));
    expect(root.querySelector('.counter')?.textContent).toBe(`${CHAT_TEXT_MAX} / ${CHAT_TEXT_MAX}`);
    await type('🏓'.repeat(CHAT_TEXT_MAX + 1));
    expect(root.querySelector('.counter')?.textContent).toBe('1자 초과');
    await press({ key: 'Enter' });
    expect(send).not.toHaveBeenCalled();
  });

  it('keeps a draft while another room is shown', async () => {
    await type('아직');
    const first = `room${room}`;
    await act(() => render(<Composer key="other" roomId="other" />, root));
    expect(box().value).toBe('');
    await act(() => render(<Composer key="back" roomId={first} />, root));
    expect(box().value).toBe('아직');
  });
});
