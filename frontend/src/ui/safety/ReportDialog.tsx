import { useState } from 'preact/hooks';
import { REPORT_NOTE_MAX, type ReportReason } from '../../protocol';
import { DialogButtons } from '../DialogButtons';
import { say, session } from '../app';
import { plainText } from '../mentions';
import { Counter, Dialog, FailureText, nameOf, useAttempt } from '../parts';
import { cleanText, lengthOf } from '../rows';
import { block } from './block';
import { safetyTexts } from './texts';

interface ReportProps {
  roomId: string;
  userId: string;
  /** The chat that is reported; undefined: the person. */
  seq: number | undefined;
  text: string;
  onClose(): void;
}

/** Asks what is wrong with a chat or a person, and tells the operators. */
export function ReportDialog({ roomId, userId, seq, text, onClose }: ReportProps) {
  const t = safetyTexts.value;
  const [reason, setReason] = useState<ReportReason | ''>('');
  const [note, setNote] = useState('');
  const [alsoBlock, setAlsoBlock] = useState(false);
  const { error, isBusy, attempt } = useAttempt();
  const isTooLong = lengthOf(note) > REPORT_NOTE_MAX;
  const isBlocked = session().blocks.has(userId);

  const send = async () => {
    if (!reason) return;
    const about = { room_id: roomId, user_id: userId, reason, note: cleanText(note) };
    await session().ask('report.send', seq === undefined ? about : { ...about, seq });
    onClose();
    say(t.didReport);
    if (alsoBlock && !isBlocked) void block(userId, true);
  };
  return (
    <Dialog
      title={seq === undefined ? t.reportPerson(nameOf(userId)) : t.reportChat}
      testId="report-dialog"
      class="report"
      onClose={() => !isBusy && onClose()}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (reason && !isTooLong && !isBusy) void attempt(send);
        }}
      >
        {text && (
          <p class="acting-text" dir="auto">
            {plainText(text)}
          </p>
        )}
        <fieldset class="report-reasons">
          <legend class="label">{t.why}</legend>
          {(Object.keys(t.reasons) as ReportReason[]).map((each) => (
            <label key={each} class="report-choice">
              <input
                type="radio"
                name="reason"
                value={each}
                checked={each === reason}
                onChange={() => setReason(each)}
              />
              <span>{t.reasons[each]}</span>
            </label>
          ))}
        </fieldset>
        <label class="label" for="report-note">
          {t.note}
        </label>
        <textarea
          id="report-note"
          class="input report-note"
          data-testid="report-note"
          rows={3}
          value={note}
          aria-invalid={isTooLong}
          aria-describedby="report-hint"
          onInput={(event) => setNote(event.currentTarget.value)}
        />
        <p class="hint" id="report-hint">
          <span>{t.reportText}</span>
          <Counter text={note} most={REPORT_NOTE_MAX} />
        </p>
        {!isBlocked && (
          <label class="report-choice">
            <input
              type="checkbox"
              data-testid="report-block"
              checked={alsoBlock}
              onChange={(event) => setAlsoBlock(event.currentTarget.checked)}
            />
            <span>{t.alsoBlock}</span>
          </label>
        )}
        {error && <FailureText code={error} />}
        <DialogButtons
          label={t.send}
          testId="report-send"
          isDanger
          isReady={reason !== '' && !isTooLong}
          isBusy={isBusy}
          onCancel={onClose}
        />
      </form>
    </Dialog>
  );
}
