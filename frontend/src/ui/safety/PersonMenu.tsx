import { useLayoutEffect, useRef } from 'preact/hooks';
import { session, watch } from '../app';
import type { ActionsProps } from '../actions';
import { MenuItem, moveFocus } from '../actions/MenuItem';
import { Sheet } from '../actions/Sheet';
import { acting } from '../chat/acting';
import { nameOf } from '../parts';
import { memberTexts } from '../rules/memberTexts';
import { rulesOf } from '../rules/of';
import { BlockItem, ReportItem } from './items';
import { safetyTexts } from './texts';

/** What one may do about a member of a room. */
export function PersonMenu({ open, onClose }: ActionsProps) {
  watch('users', `room:${open.roomId}`);
  const t = safetyTexts.value;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => box.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus(), []);
  const room = session().rooms.get(open.roomId);
  const label = t.about(nameOf(open.userId));
  return (
    <Sheet class="menu" label={label} near={open.near} atEnd testId="person-menu" onClose={onClose}>
      <p class="sheet-title">{label}</p>
      <div ref={box} role="menu" aria-label={label} onKeyDown={moveFocus}>
        {room && rulesOf(room).isAbove(open.userId) && (
          <MenuItem
            label={memberTexts.value.manage}
            testId="manage-member"
            onChoose={() => (acting.value = { ...open, what: 'manage' })}
          />
        )}
        <BlockItem open={open} onClose={onClose} />
        <ReportItem open={open} />
      </div>
    </Sheet>
  );
}
