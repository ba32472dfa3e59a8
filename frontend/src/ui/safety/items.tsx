import { session } from '../app';
import { MenuItem } from '../actions/MenuItem';
import { acting, type Acting } from '../chat/acting';
import { block } from './block';
import { safetyTexts } from './texts';

/** Block whoever said it, after asking; or end that at once. */
export function BlockItem({ open, onClose }: { open: Acting; onClose(): void }) {
  const t = safetyTexts.value;
  const isBlocked = session().blocks.has(open.userId);
  return (
    <MenuItem
      label={isBlocked ? t.unblock : t.block}
      testId={isBlocked ? 'unblock-person' : 'block-person'}
      isDanger={!isBlocked}
      onChoose={() => {
        if (!isBlocked) {
          acting.value = { ...open, what: 'block' };
          return;
        }
        onClose();
        void block(open.userId, false);
      }}
    />
  );
}

export function ReportItem({ open }: { open: Acting }) {
  return (
    <MenuItem
      label={safetyTexts.value.report}
      testId="report"
      isDanger
      onChoose={() => (acting.value = { ...open, what: 'report' })}
    />
  );
}
