import { reply } from '../chat/acting';

/** Let go beyond this, a chat is answered; it is drawn a little further at most. */
const REPLY_PX = 56;
const MOST_PX = 76;
/** A finger that has moved less than this may still become anything. */
const SLOP_PX = 10;
/** At the edge of the screen a finger goes to another page. */
const EDGE_PX = 12;

interface Drag {
  id: number;
  x: number;
  y: number;
  line: HTMLElement;
  words: HTMLElement;
  isDrawn: boolean;
}

/** Chats can be drawn to the left by a finger to be answered; returns what ends that. */
export function swipeToReply(roomId: string): () => void {
  let drag: Drag | null = null;
  const end = () => {
    if (drag?.isDrawn) {
      drag.words.style.transform = '';
      delete drag.line.dataset.drawn;
    }
    drag = null;
  };
  const onDown = ({ target, pointerType, isPrimary, pointerId, clientX, clientY }: PointerEvent) => {
    end();
    const line = (target as Element).closest<HTMLElement>('.line[data-seq]');
    const words = line?.querySelector<HTMLElement>('.line-words');
    const isAtEdge = Math.min(clientX, innerWidth - clientX) < EDGE_PX;
    if (pointerType !== 'touch' || !isPrimary || !line || !words || isAtEdge) return;
    if (line.querySelector('.is-deleted')) return;
    drag = { id: pointerId, x: clientX, y: clientY, line, words, isDrawn: false };
  };
  const onMove = ({ pointerId, clientX, clientY }: PointerEvent) => {
    if (!drag || pointerId !== drag.id) return;
    const left = drag.x - clientX;
    const aside = Math.abs(clientY - drag.y);
    if (!drag.isDrawn) {
      if (aside > SLOP_PX || left < -SLOP_PX) drag = null;
      if (!drag || left < SLOP_PX || left < aside * 1.5) return;
      drag.isDrawn = true;
    }
    const was = drag.line.dataset.drawn;
    const now = left > REPLY_PX ? 'far' : 'near';
    if (was === 'near' && now === 'far') navigator.vibrate?.(10);
    drag.line.dataset.drawn = now;
    drag.words.style.transform = `translateX(${-Math.min(Math.max(left - SLOP_PX, 0), MOST_PX)}px)`;
  };
  const onUp = ({ pointerId }: PointerEvent) => {
    if (pointerId !== drag?.id) return;
    const { seq, drawn } = drag.line.dataset;
    end();
    if (drawn === 'far') reply(roomId, Number(seq));
  };
  const log = { pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: end };
  const entries = Object.entries(log) as [keyof typeof log, (event: PointerEvent) => void][];
  for (const [type, handler] of entries) document.addEventListener(type, handler);
  return () => {
    end();
    for (const [type, handler] of entries) document.removeEventListener(type, handler);
  };
}
