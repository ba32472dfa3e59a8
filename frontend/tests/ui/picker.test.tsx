// @vitest-environment happy-dom
import 'preact/debug';
import { signal } from '@preact/signals';
import { render } from 'preact';
import { act } from 'preact/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const isWide = signal(false);
vi.mock('../../src/ui/app', () => ({
  isWide,
  session: () => ({ me: { user_id: 'ann' } }),
}));
const { Picker } = await import('../../src/ui/actions/Picker');
const { remember, setTone } = await import('../../src/ui/actions/emoji');

const ROWS = [
  [
    ['👋', 1, '흔드는 손|안녕', 'waving hand'],
    ['😀', 0, '웃는 얼굴', 'grinning face'],
  ],
];

let root: HTMLElement;
let errors: ReturnType<typeof vi.spyOn>;
const field = () => root.querySelector<HTMLInputElement>('[data-testid=emoji-search]')!;
const shown = () => [...root.querySelectorAll('.emoji')].map((each) => each.textContent);

async function open(): Promise<void> {
  const near = document.createElement('i');
  near.getBoundingClientRect = () => new DOMRect(10, 20, 30, 40);
  const what = { what: 'picker', roomId: 'room', seq: 1, text: '', userId: 'u', isOwn: false, near } as const;
  await act(() => render(<Picker open={what} onClose={() => {}} />, root));
  await vi.waitFor(() => expect(shown()).toContain('😀'));
}

beforeEach(() => {
  localStorage.clear();
  isWide.value = false;
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(ROWS)));
  errors = vi.spyOn(console, 'error');
  root = document.createElement('div');
  document.body.append(root);
});

afterEach(() => {
  render(null, root);
  root.remove();
  const said = [...errors.mock.calls];
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  // Preact tells of what it is given twice, and the like.
  expect(said).toEqual([]);
});

describe('the emoji picker', () => {
  it('has the focus without a keyboard on a phone', async () => {
    await open();
    expect(document.activeElement).toBe(root.querySelector('.sheet-body'));
  });

  it('knows one emoji in two tones apart', async () => {
    remember('ann', '👋');
    remember('ann', '👋🏽');
    setTone('ann', 3);
    await open();
    expect(shown()).toEqual(['👋🏽', '👋', '👋🏽', '😀']);
  });

  it.each([
    ['isComposing', { isComposing: true }],
    ['keyCode 229', { keyCode: 229 }],
  ])('leaves the Enter that ends a Hangul composition alone (%s)', async (_, how) => {
    await open();
    field().focus();
    const press = (more: object) => {
      const event = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true });
      for (const [name, value] of Object.entries(more)) Object.defineProperty(event, name, { value });
      field().dispatchEvent(event);
    };
    press(how);
    expect(document.activeElement).toBe(field());
    press({});
    expect(document.activeElement).toBe(root.querySelector('.emoji'));
  });

  it('is at the bottom again when the window becomes narrow', async () => {
    isWide.value = true;
    await open();
    const { style } = root.querySelector('dialog') as HTMLElement;
    expect(style.top).toBe('68px');
    expect(style.left).toBe('10px');
    await act(() => void (isWide.value = false));
    expect([style.top, style.left]).toEqual(['', '']);
    await act(() => void (isWide.value = true));
    expect(style.top).toBe('68px');
  });
});
