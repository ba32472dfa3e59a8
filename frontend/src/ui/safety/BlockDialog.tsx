import type { ActionsProps } from '../actions';
import { DialogButtons } from '../DialogButtons';
import { Dialog, nameOf } from '../parts';
import { block } from './block';
import { safetyTexts } from './texts';

/** Says what blocking somebody means before it is done. */
export function BlockDialog({ open: { userId, roomId }, onClose }: ActionsProps) {
  const t = safetyTexts.value;
  return (
    <Dialog title={t.blockTitle(nameOf(userId))} testId="block-dialog" onClose={onClose}>
      <p>{t.blockText}</p>
      <DialogButtons
        label={t.block}
        testId="block-confirm"
        isDanger
        onCancel={onClose}
        onConfirm={() => {
          onClose();
          void block(userId, true, roomId);
        }}
      />
    </Dialog>
  );
}
