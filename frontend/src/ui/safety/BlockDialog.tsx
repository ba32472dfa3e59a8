import { texts } from '../../i18n';
import { Dialog, nameOf } from '../parts';
import { block } from './block';
import { safetyTexts } from './texts';

/** Says what blocking somebody means before it is done. */
export function BlockDialog({ userId, onClose }: { userId: string; onClose(): void }) {
  const t = safetyTexts.value;
  return (
    <Dialog title={t.blockTitle(nameOf(userId))} testId="block-dialog" onClose={onClose}>
      <p>{t.blockText}</p>
      <div class="button-row end">
        <button type="button" class="button" onClick={onClose}>
          {texts.value.cancel}
        </button>
        <button
          type="button"
          class="button danger"
          data-testid="block-confirm"
          onClick={() => {
            onClose();
            void block(userId, true);
          }}
        >
          {t.block}
        </button>
      </div>
    </Dialog>
  );
}
