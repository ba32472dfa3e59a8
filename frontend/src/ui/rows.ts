import type { Entry, EntryKind } from '../protocol';
import { withPending, type Pending } from '../core/changes';
import type { FailureCode } from '../core/failure';
import type { Outgoing } from '../core/outgoing';
import { dayOf } from '../i18n';

export type NoticeKind = Exclude<EntryKind, 'chat' | 'changed' | 'void'>;

export interface ChatRow {
  type: 'chat';
  key: string;
  seq: number | undefined;
  cid: string;
  userId: string;
  text: string;
  /** The chat that it answers; 0: none. */
  replyTo: number;
  at: number;
  isOwn: boolean;
  state: 'sending' | 'sent' | 'failed';
  failed: FailureCode | undefined;
  isEdited: boolean;
  isDeleted: boolean;
  /** What one did to it oneself: on its way, or refused (`failed` says why). */
  change: '' | 'sending' | 'failed';
  /** Each emoji and the ids of who reacted with it, `👍 ann,bob 🏓 cho`; plain, to be compared. */
  reactions: string;
  /** Begins a group: shows who it is. */
  isFirst: boolean;
  /** Ends a group: shows the time. */
  isLast: boolean;
}

export type Row =
  | { type: 'day'; key: string; at: number }
  | { type: 'notice'; key: string; seq: number; kind: NoticeKind; userId: string; text: string }
  | ChatRow;

/**
 * A log and what is on its way, as lines of a page: separated by days, chats grouped by sender
 * and minute; `changed` and `void` entries are left out.
 */
export function rowsOf(
  entries: readonly Entry[],
  outgoing: readonly Outgoing[],
  me: string,
  toServerTime: (at: number) => number = (at) => at,
  pendingOf: (seq: number) => Pending | undefined = () => undefined,
): Row[] {
  const rows: Row[] = [];
  let day = '';
  let previous: ChatRow | null = null;

  const begin = (at: number, key: string) => {
    const next = dayOf(at);
    if (next === day) return;
    day = next;
    previous = null;
    rows.push({ type: 'day', key: `day ${key}`, at });
  };
  const chat = (row: Omit<ChatRow, 'type' | 'isFirst' | 'isLast'>) => {
    begin(row.at, row.key);
    const goesOn =
      previous !== null && previous.userId === row.userId && minute(previous.at) === minute(row.at);
    if (goesOn && previous) previous.isLast = false;
    previous = { ...row, type: 'chat', isFirst: !goesOn, isLast: true };
    rows.push(previous);
  };

  for (const held of entries) {
    const kind = held.kind ?? 'chat';
    const pending = pendingOf(held.seq);
    const entry = withPending(held, pending, me);
    if (kind === 'void' || kind === 'changed') continue;
    if (kind !== 'chat') {
      const key = `seq ${entry.seq}`;
      begin(entry.at, key);
      previous = null;
      const { seq, user_id: userId, text = '' } = entry;
      rows.push({ type: 'notice', key, seq, kind, userId, text });
      continue;
    }
    const isOwn = entry.user_id === me;
    chat({
      // One's own keep their place in the page when they turn from sending to sent.
      key: isOwn && entry.cid ? `cid ${entry.cid}` : `seq ${entry.seq}`,
      seq: entry.seq,
      cid: entry.cid ?? '',
      userId: entry.user_id,
      text: entry.text ?? '',
      replyTo: entry.reply_to ?? 0,
      at: entry.at,
      isOwn,
      state: 'sent',
      failed: pending?.failed?.code,
      change: pending?.failed ? 'failed' : isChanging(pending) ? 'sending' : '',
      isEdited: entry.edited_at !== undefined && !entry.deleted,
      isDeleted: entry.deleted ?? false,
      reactions: reactionsOf(entry),
    });
  }
  const newest = entries.at(-1)?.at ?? 0;
  for (const item of outgoing) {
    chat({
      key: `cid ${item.cid}`,
      seq: undefined,
      cid: item.cid,
      userId: me,
      text: item.text,
      replyTo: item.replyTo,
      // What waited for long stands at the end all the same.
      at: Math.max(newest, toServerTime(item.typedAt)),
      isOwn: true,
      state: item.state,
      failed: item.failed,
      change: '',
      isEdited: false,
      isDeleted: false,
      reactions: '',
    });
  }
  return rows;
}

/** The last place in the log that is shown; 0 when nothing is. */
export function lastShown(rows: readonly Row[]): number {
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i] as Row;
    if (row.type !== 'day' && row.seq !== undefined) return row.seq;
  }
  return 0;
}

function reactionsOf({ reactions = {} }: Entry): string {
  return Object.entries(reactions)
    .filter(([, userIds]) => userIds.length > 0)
    .map(([emoji, userIds]) => `${emoji} ${userIds.join(',')}`)
    .join(' ');
}

/** A reaction is shown as it will be; of words one wants to know whether they have got there. */
function isChanging(pending: Pending | undefined): boolean {
  return pending?.changes.some((change) => change.type !== 'react') ?? false;
}

function minute(at: number): number {
  return Math.floor(at / 60_000);
}

/** Letters as people count them: code points. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Without the control characters that the server refuses, and halves of characters. */
export function cleanText(text: string): string {
  return text.replace(/\p{Cs}|(?![\n\t\r])\p{Cc}/gu, '');
}

/** Whether anything in it draws something; the rule of chalicelib/texts.py. */
export function hasVisible(text: string): boolean {
  return /[^\p{C}\p{Z}\p{M}\u115f\u1160\u3164\uffa0\u2800]|(?=[\u{1f000}-\u{1faff}])\p{Cn}/u.test(
    text,
  );
}

/** Letters and signs that are written from right to left, or turn what is around them. */
const TURNING = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * A name that does not change the order of the words around it.
 * https://www.unicode.org/reports/tr9/#Explicit_Directional_Isolates
 */
export function isolated(name: string): string {
  if (!TURNING.test(name)) return name;
  return `\u2068${name.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')}\u2069`;
}

/** What stands for a person without a picture. */
export function initialOf(nickname: string): string {
  const [first = '?'] = nickname.replace(/^[\u2066-\u2069]/, '').trim();
  return first.toLocaleUpperCase();
}

/** A colour of one's own, out of eight. */
export function tintOf(userId: string): number {
  let sum = 0;
  for (const char of userId) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) >>> 0;
  return sum % 8;
}
