import { isTemporary } from '../../core/failure';
import { texts } from '../../i18n';
import { failureTexts } from '../../i18n/failures';
import { session } from '../app';
import { editing } from '../chat/acting';
import type { BubbleProps } from '../chat/Bubble';
import { putBack } from '../chat/Composer';
import { failureText } from '../failure';

/** Under a chat that did not get through, or whose edit did not. */
export function ChatFailed({ chat }: { chat: BubbleProps }) {
  return chat.state === 'failed' ? <SendFailed chat={chat} /> : <EditFailed chat={chat} />;
}

function SendFailed({ chat }: { chat: BubbleProps }) {
  const t = failureTexts.value;
  const here = session();
  const why = chat.failed && failureText(chat.failed);
  const putItBack = () => {
    here.discard(chat.cid);
    putBack(chat.text, chat.replyTo);
  };
  return (
    <div class="line-failed" role="alert">
      <span>
        {t.notSent}
        {why && `: ${why}`}
      </span>
      {chat.failed && isTemporary(chat.failed) ? (
        <Choice testId="retry-send" text={texts.value.retry} onClick={() => here.retry(chat.cid)} />
      ) : (
        <Choice testId="edit-send" text={t.edit} onClick={putItBack} />
      )}
      <Choice testId="discard" text={t.discard} onClick={() => here.discard(chat.cid)} />
    </div>
  );
}

/** The words of an edit that the server refused are not lost. */
function EditFailed({ chat }: { chat: BubbleProps }) {
  const { roomId, seq = 0, failed = 'internal' } = chat;
  const t = failureTexts.value;
  const { changes } = session();
  const putItBack = () => {
    const { text = '' } = changes.of(roomId, seq)?.failed ?? {};
    changes.discard(roomId, seq);
    if (chat.isDeleted) putBack(text);
    else editing.value = { roomId, seq, text };
  };
  return (
    <div class="line-failed" role="alert">
      <span>
        {t.notEdited}: {failureText(failed)}
      </span>
      {isTemporary(failed) ? (
        <Choice testId="retry-edit" text={texts.value.retry} onClick={() => changes.retry(roomId, seq)} />
      ) : (
        <Choice testId="edit-send" text={t.edit} onClick={putItBack} />
      )}
      <Choice testId="discard" text={t.discard} onClick={() => changes.discard(roomId, seq)} />
    </div>
  );
}

interface ChoiceProps {
  testId: string;
  text: string;
  onClick(): void;
}

function Choice({ testId, text, onClick }: ChoiceProps) {
  return (
    <button type="button" class="button small" data-testid={testId} onClick={onClick}>
      {text}
    </button>
  );
}
