import { lang } from '../../i18n';

/** The way to the first chat that was not read, while that is above what is in sight. */
export function ToUnread({ count, onClick }: { count: number; onClick(): void }) {
  const text =
    lang.value === 'ko' ? `안 읽은 메시지 ${count}개` : `${count} unread ${count === 1 ? 'message' : 'messages'}`;
  return (
    <button type="button" class="to-unread" data-testid="to-unread" onClick={onClick}>
      {text} <span aria-hidden="true">↑</span>
    </button>
  );
}
