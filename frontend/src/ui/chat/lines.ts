import type { ChatRow, Row } from './rows';
import { acting, actions, reply } from './acting';

/** A finger that rests this long on a chat asks for its menu; before the browser's own does. */
const LONG_PRESS_MS = 450;
/** A finger that moves further than this scrolls. */
const MOVED_PX = 10;

/** The log whose chats these are. */
export interface LineHost {
  roomId: string;
  rows(): readonly Row[];
  /** The row with this key has the focus; '': none has. */
  focused(key: string): void;
  /** Draw a chat that is not in the page, and give it the focus. */
  reveal(index: number): void;
}

/**
 * How one gets to what can be done with a chat: the button at its side, a long press, or from
 * the keyboard, where arrows go from chat to chat and Enter or the menu key opens the menu.
 * The handlers are the log's own, one for all chats.
 */
export function lineActions(host: LineHost) {
  let press: { x: number; y: number; timer: ReturnType<typeof setTimeout> } | null = null;
  /** The finger that has opened the menu is still down. */
  let isHeld = false;

  const indexOf = (line: Element | null): number => {
    if (!line) return -1;
    const { seq = '', cid = '' } = (line as HTMLElement).dataset;
    return host.rows().findIndex((row) => {
      return row.type === 'chat' && (seq ? row.seq === Number(seq) : row.cid === cid);
    });
  };
  const rowOf = (line: Element | null) => host.rows()[indexOf(line)] as ChatRow | undefined;
  /** The next chat in a direction, `index` itself included; -1: there is none. */
  const chatFrom = (index: number, step: 1 | -1) => {
    const rows = host.rows();
    let at = index;
    while (rows[at] && rows[at]?.type !== 'chat') at += step;
    return rows[at] ? at : -1;
  };
  const open = (line: Element | null, near: Element | null) => {
    const row = rowOf(line);
    if (!row || !near || row.isDeleted) return false;
    const { seq, text, userId, isOwn } = row;
    acting.value = { what: 'menu', roomId: host.roomId, seq, text, userId, isOwn, near };
    return true;
  };
  const release = () => {
    clearTimeout(press?.timer);
    press = null;
  };

  const handlers = {
    onClick(event: MouseEvent) {
      const button = (event.target as Element).closest('.line-more');
      if (button) open(lineOf(button), button);
    },
    onPointerOver(event: PointerEvent) {
      if ((event.target as Element).closest('.line-more')) void actions.load();
    },
    onPointerDown(event: PointerEvent) {
      release();
      const target = event.target as Element;
      const bubble = target.closest('.bubble');
      if (event.pointerType !== 'touch' || !event.isPrimary || !bubble) return;
      void actions.load();
      const timer = setTimeout(() => {
        isHeld = open(lineOf(bubble), bubble);
        if (isHeld) navigator.vibrate?.(10);
        press = null;
      }, LONG_PRESS_MS);
      press = { x: event.clientX, y: event.clientY, timer };
    },
    onPointerMove(event: PointerEvent) {
      const { x, y } = press ?? event;
      if (Math.hypot(event.clientX - x, event.clientY - y) > MOVED_PX) release();
    },
    onTouchEnd(event: TouchEvent) {
      // Or it would click what lies over the page by now, where it goes up.
      if (isHeld && event.cancelable) event.preventDefault();
      isHeld = false;
    },
    onTouchCancel() {
      isHeld = false;
    },
    onPointerUp: release,
    onPointerCancel: release,
    onContextMenu(event: MouseEvent) {
      const target = event.target as Element;
      const isTouch = (event as PointerEvent).pointerType === 'touch';
      // The mouse's own button has the browser's menu, and so have links, but for fingers: a chat
      // may be nothing but a link, and no button is shown to them.
      if (event.button === 2 || (!isTouch && target.closest('a'))) return;
      const bubble = isTouch ? target.closest('.bubble') : lineOf(target)?.querySelector('.bubble');
      if (!bubble) return;
      event.preventDefault();
      release();
      if (!acting.peek()) open(lineOf(target), bubble);
    },
    onFocusIn(event: FocusEvent) {
      host.focused(rowOf(lineOf(event.target as Element))?.key ?? '');
    },
    onKeyDown(event: KeyboardEvent) {
      const log = event.currentTarget as HTMLElement;
      const target = event.target as HTMLElement;
      const line = lineOf(target);
      const isMenuKey = event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey);
      if (isMenuKey || (target === line && (event.key === 'Enter' || event.key === ' '))) {
        if (open(line, line?.querySelector('.bubble') ?? null)) event.preventDefault();
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      // The key of that place also where it writes Hangul.
      if (target === line && event.code === 'KeyR') {
        const row = rowOf(line);
        if (!row?.seq || row.isDeleted) return;
        event.preventDefault();
        reply(host.roomId, row.seq);
        return;
      }
      const lines = [...log.querySelectorAll<HTMLElement>('.line')];
      const at = line ? indexOf(line) : indexOf(lastInSight(log, lines) ?? null) + 1;
      const ways: Record<string, () => number> = {
        ArrowUp: () => chatFrom(at - 1, -1),
        // Without a chat to start from, the browser scrolls.
        ArrowDown: () => (line ? chatFrom(at + 1, 1) : -1),
        Home: () => chatFrom(0, 1),
        End: () => chatFrom(host.rows().length - 1, -1),
      };
      const next = ways[event.key]?.();
      if (next === undefined || next < 0) return;
      event.preventDefault();
      const drawn = lines.find((each) => indexOf(each) === next);
      if (drawn) drawn.focus();
      else host.reveal(next);
    },
  };
  return { handlers, release };
}

/** So that who reads further up stays there. */
function lastInSight(log: Element, lines: readonly Element[]): Element | undefined {
  const { bottom } = log.getBoundingClientRect();
  return lines.findLast((line) => line.getBoundingClientRect().top < bottom);
}

function lineOf(element: Element): Element | null {
  return element.closest('.line');
}
