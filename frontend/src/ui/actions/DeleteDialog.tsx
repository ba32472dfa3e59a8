import { DialogButtons } from '../DialogButtons';
import { change } from '../chat/acting';
import { plainText } from '../mentions';
import { Dialog } from '../parts';
import type { ActionsProps } from '.';
import { words } from './texts';

/** Deleting is for everybody and for good: it is asked for twice. */
export function DeleteDialog({ open: { roomId, seq, text }, onClose }: ActionsProps) {
  const w = words.value;
  return (
    <Dialog title={w.removeTitle} testId="delete-dialog" onClose={onClose}>
      <p class="acting-text" dir="auto">
        {plainText(text)}
      </p>
      <p>{w.removeText}</p>
      <DialogButtons
        label={w.remove}
        testId="delete-confirm"
        isDanger
        onCancel={onClose}
        onConfirm={() => {
          onClose();
          if (seq !== undefined) void change(roomId, seq, { type: 'delete' });
        }}
      />
    </Dialog>
  );
}
