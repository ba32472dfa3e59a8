import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChatRow, Row } from '../rows';
import { acting, actions } from './acting';

/** A finger that rests this long on a chat asks for its menu; before the browser's own does. */
const LONG_PRESS_MS = 450;
/** A finger that moves further than this scrolls. */
const MOVED_PX = 10;

/**
 * How one gets to what can be done with a chat: the button at its side, a long press, or from
 * the keyboard, where arrows go from chat to chat and Enter or the menu key opens the menu.
 * The handlers are the log's own, one for all chats.
 */
export function useLineActions(roomId: string, rows: readonly Row[]) {
  const [active, setActive] = useState('');
  const press = useRef<{ x: number; y: number; timer: ReturnType<typeof setTimeout> } | null>(null);
  /** The finger that has opened the menu is still down. */
  const isHeld = useRef(false);
  const current = useRef(rows);
  current.current = rows;

  const rowOf = (line: Element | null): ChatRow | undefined => {
    if (!line) return undefined;
    const { seq = '', cid = '' } = (line as HTMLElement).dataset;
    return current.current.find((row): row is ChatRow => {
      return row.type === 'chat' && (seq ? row.seq === Number(seq) : row.cid === cid);
    });
  };
  const open = (line: Element | null, near: Element | null) => {
    const row = rowOf(line);
    if (!row || !near || row.isDeleted) return false;
    const { seq, text, isOwn } = row;
    acting.value = { what: 'menu', roomId, seq, text, isOwn, near };
    return true;
  };
  const release = () => {
    clearTimeout(press.current?.timer);
    press.current = null;
  };
  useEffect(() => release, []);

  const handlers = {
    onClick(event: MouseEvent) {
      const button = (event.target as Element).closest('.line-more');
      if (button) open(lineOf(button), button);
    },
    onPointerOver(event: PointerEvent) {
      if ((event.target as Element).closest('.line-more')) actions.load();
    },
    onPointerDown(event: PointerEvent) {
      release();
      const target = event.target as Element;
      const bubble = target.closest('.bubble');
      if (event.pointerType !== 'touch' || !event.isPrimary || !bubble) return;
      actions.load();
      const timer = setTimeout(() => {
        isHeld.current = open(lineOf(bubble), bubble);
        if (isHeld.current) navigator.vibrate?.(10);
        press.current = null;
      }, LONG_PRESS_MS);
      press.current = { x: event.clientX, y: event.clientY, timer };
    },
    onPointerMove(event: PointerEvent) {
      const { x, y } = press.current ?? event;
      if (Math.hypot(event.clientX - x, event.clientY - y) > MOVED_PX) release();
    },
    onTouchEnd(event: TouchEvent) {
      // Or it would click what lies over the page by now, where it goes up.
      if (isHeld.current && event.cancelable) event.preventDefault();
      isHeld.current = false;
    },
    onTouchCancel() {
      isHeld.current = false;
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
      setActive(rowOf(lineOf(event.target as Element))?.key ?? '');
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
      const lines = [...log.querySelectorAll<HTMLElement>('.line')];
      const at = line ? lines.indexOf(line as HTMLElement) : lastInSight(log, lines) + 1;
      const next = {
        ArrowUp: at - 1,
        // Without a chat to start from, the browser scrolls.
        ArrowDown: line ? at + 1 : -1,
        Home: 0,
        End: lines.length - 1,
      }[event.key];
      if (next === undefined || !lines[next]) return;
      event.preventDefault();
      lines[next].focus();
    },
  };
  return { active, handlers };
}

/** So that who reads further up stays there. */
function lastInSight(log: Element, lines: readonly Element[]): number {
  const { bottom } = log.getBoundingClientRect();
  return lines.findLastIndex((line) => line.getBoundingClientRect().top < bottom);
}

function lineOf(element: Element): Element | null {
  return element.closest('.line');
}
