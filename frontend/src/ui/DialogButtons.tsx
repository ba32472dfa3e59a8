import { texts } from '../i18n';

interface DialogButtonsProps {
  /** What the dialog is for. */
  label: string;
  testId: string;
  /** Whether it takes something away. */
  isDanger?: boolean;
  /** Whether it can be done now. */
  isReady?: boolean;
  /** While it is being done it can't be cancelled either. */
  isBusy?: boolean;
  autofocus?: boolean;
  onCancel(): void;
  /** Without it the form around is submitted. */
  onConfirm?(): void;
}

/** The last row of a dialog: cancel, or do it. */
export function DialogButtons({
  label,
  testId,
  isDanger = false,
  isReady = true,
  isBusy = false,
  autofocus = false,
  onCancel,
  onConfirm,
}: DialogButtonsProps) {
  return (
    <div class="button-row end">
      <button type="button" class="button" disabled={isBusy} onClick={onCancel}>
        {texts.value.cancel}
      </button>
      <button
        type={onConfirm ? 'button' : 'submit'}
        class={`button ${isDanger ? 'danger' : 'primary'}`}
        data-testid={testId}
        disabled={!isReady || isBusy}
        autofocus={autofocus}
        onClick={onConfirm}
      >
        {label}
      </button>
    </div>
  );
}
