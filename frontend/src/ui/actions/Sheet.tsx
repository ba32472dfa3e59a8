import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isWide } from '../app';

const GAP_PX = 8;

interface SheetProps {
  label: string;
  /** Beside this where there is room for two panes; else at the bottom of the screen. */
  near: Element;
  atEnd: boolean;
  class: string;
  testId: string;
  onClose(): void;
  children: ComponentChildren;
}

/** Something that lies over the page until one has chosen, or pressed beside it. */
export function Sheet({ label, near, atEnd, onClose, testId, children, ...rest }: SheetProps) {
  const hasRoom = isWide.value;
  const box = useRef<HTMLDialogElement>(null);
  /** The finger that called for this may still be down: its click is not meant for this. */
  const isPressed = useRef(false);
  useLayoutEffect(() => {
    const dialog = box.current;
    if (!dialog) return;
    dialog.showModal();
    // Not a field for words, over which a phone would open its keyboard.
    if (!hasRoom) dialog.querySelector<HTMLElement>('.sheet-body')?.focus();
    return () => dialog.close();
  }, []);
  useLayoutEffect(() => {
    const { current: dialog } = box;
    if (!dialog) return;
    if (hasRoom) {
      place(dialog, near.getBoundingClientRect(), atEnd);
    } else {
      dialog.style.removeProperty('top');
      dialog.style.removeProperty('left');
    }
  }, [hasRoom]);
  return (
    <dialog
      ref={box}
      class={`sheet ${rest.class}`}
      aria-label={label}
      data-testid={testId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => (isPressed.current = event.target === box.current)}
      onClick={(event) => {
        if (isPressed.current && event.target === box.current) onClose();
      }}
      onContextMenu={(event) => {
        // The key or finger that opened this would open the browser's own menu, too.
        if (event.button !== 2 && !(event.target instanceof HTMLInputElement)) event.preventDefault();
      }}
    >
      {/* Where it can have the focus, it gets it first. */}
      <div class="sheet-body" tabIndex={hasRoom ? undefined : -1}>{children}</div>
    </dialog>
  );
}

/** Below what it belongs to, or above if there is no space; never beyond the window. */
function place(dialog: HTMLDialogElement, near: DOMRect, atEnd: boolean): void {
  const { width, height } = dialog.getBoundingClientRect();
  const within = (at: number, most: number) => Math.max(GAP_PX, Math.min(at, most - GAP_PX));
  const below = near.bottom + GAP_PX;
  const fits = below + height + GAP_PX <= innerHeight;
  const top = fits ? below : near.top - height - GAP_PX;
  const left = atEnd ? near.right - width : near.left;
  dialog.style.top = `${within(top, innerHeight - height)}px`;
  dialog.style.left = `${within(left, innerWidth - width)}px`;
}
