import { useLayoutEffect, useRef } from 'preact/hooks';
import { watch } from '../app';
import type { ActionsProps } from '../actions';
import { moveFocus } from '../actions/MenuItem';
import { Sheet } from '../actions/Sheet';
import { nameOf } from '../parts';
import { BlockItem, ReportItem } from './items';
import { safetyTexts } from './texts';

/** What one may do about a member of a room. */
export function PersonMenu({ open, onClose }: ActionsProps) {
  watch('users');
  const t = safetyTexts.value;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus(), []);
  const label = t.about(nameOf(open.userId));
  return (
    <Sheet class="menu" label={label} near={open.near} atEnd testId="person-menu" onClose={onClose}>
      <p class="sheet-title">{label}</p>
      <div ref={box} role="menu" aria-label={label} onKeyDown={moveFocus}>
        <BlockItem open={open} onClose={onClose} />
        <ReportItem open={open} />
      </div>
    </Sheet>
  );
}
