import { texts } from '../../i18n';
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
      <div class="button-row end">
        <button type="button" class="button" onClick={onClose}>
          {texts.value.cancel}
        </button>
        <button
          type="button"
          class="button danger"
          data-testid="delete-confirm"
          onClick={() => {
            onClose();
            if (seq !== undefined) void change(roomId, seq, { type: 'delete' });
          }}
        >
          {w.remove}
        </button>
      </div>
    </Dialog>
  );
}
