import type { Entry, EntryKind } from '../../protocol';
import { withPending, type Pending } from '../../core/changes';
import type { FailureCode } from '../../core/failure';
import type { Outgoing } from '../../core/outgoing';
import { dayOf } from '../../i18n';

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
  /** False: it goes with the page, as this device can't store it. */
  isKept: boolean;
  isEdited: boolean;
  isDeleted: boolean;
  /** Which host or manager deleted it; '': whoever wrote it. */
  deletedBy: string;
  /** What one did to it oneself: on its way, or refused (`failed` says why). */
  change: '' | 'sending' | 'failed';
  /** Each emoji and the ids of who reacted with it, `👍 ann,bob 🏓 cho`; plain, to be compared. */
  reactions: string;
  /** Begins a group: shows who it is. */
  isFirst: boolean;
}

/** Stands for chats of people whom one has blocked, one after the other. */
export interface HiddenRow {
  type: 'hidden';
  key: string;
  seqs: readonly number[];
}

export type Row =
  | { type: 'day'; key: string; at: number }
  | { type: 'divider'; key: string }
  | HiddenRow
  | {
      type: 'notice';
      key: string;
      seq: number;
      kind: NoticeKind;
      userId: string;
      /** Whom it was done to; '': nobody else. */
      about: string;
      text: string;
      /** Does not follow another notice. */
      isFirst: boolean;
    }
  | ChatRow;

/** So many places of the log are made into rows together, and kept together. */
const BLOCK = 64;

interface Block {
  entries: readonly Entry[];
  rows: readonly Row[];
  /** What was before it, and what it leaves to what follows. */
  before: Context;
  after: Context;
}

interface Context {
  readonly day: string;
  /** Who says something, and in which minute; of notices, that they are some. */
  readonly group: string;
}

const NOTHING_PENDING: ReadonlyMap<number, Pending> = new Map();
const DIVIDER: Row = { type: 'divider', key: 'divider' };

/**
 * A log and what is on its way, as lines of a page: separated by days, chats grouped by sender
 * and minute; `changed` and `void` entries are left out. Entries do not change but are replaced:
 * rows of those that are the same are the same objects, so a long log costs little.
 */
export class Rows {
  #blocks = new Map<number, Block>();

  constructor(
    private readonly me: string,
    private readonly toServerTime: (at: number) => number = (at) => at,
  ) {}

  of(
    entries: readonly Entry[],
    outgoing: readonly Outgoing[] = [],
    pending: ReadonlyMap<number, Pending> = NOTHING_PENDING,
  ): Row[] {
    const rows: Row[] = [];
    const blocks = new Map<number, Block>();
    let context: Context = { day: '', group: '' };
    for (let at = 0; at < entries.length; ) {
      const { seq } = entries[at] as Entry;
      const number = Math.floor(seq / BLOCK);
      const end = Math.min(entries.length, at + BLOCK - (seq % BLOCK));
      const isPending = pending.size > 0 && holdsAny(pending, seq, end - at);
      let block = isPending ? undefined : this.#blocks.get(number);
      if (!block || !isSame(block, entries, at, end, context)) {
        block = this.#make(entries.slice(at, end), context, pending);
      }
      if (!isPending) blocks.set(number, block);
      for (const row of block.rows) rows.push(row);
      context = block.after;
      at = end;
    }
    this.#blocks = blocks;
    const newest = entries.at(-1)?.at ?? 0;
    const maker = new Maker(this.me, context);
    for (const item of outgoing) {
      maker.chat({
        key: `cid ${item.cid}`,
        seq: undefined,
        cid: item.cid,
        userId: this.me,
        text: item.text,
        replyTo: item.replyTo,
        // What waited for long stands at the end all the same.
        at: Math.max(newest, this.toServerTime(item.typedAt)),
        isOwn: true,
        state: item.state,
        failed: item.failed,
        isKept: item.isKept,
        change: '',
        isEdited: false,
        isDeleted: false,
        deletedBy: '',
        reactions: '',
      });
    }
    return rows.concat(maker.rows);
  }

  #make(entries: readonly Entry[], before: Context, pending: ReadonlyMap<number, Pending>): Block {
    const maker = new Maker(this.me, before);
    for (const entry of entries) maker.entry(entry, pending.get(entry.seq));
    return { entries, rows: maker.rows, before, after: maker.context };
  }
}

class Maker {
  readonly rows: Row[] = [];

  constructor(
    private readonly me: string,
    public context: Context,
  ) {}

  entry(held: Entry, pending: Pending | undefined): void {
    const kind = held.kind ?? 'chat';
    if (kind === 'void' || kind === 'changed') return;
    const entry = withPending(held, pending, this.me);
    const { seq, at, user_id: userId, text = '', about = '' } = entry;
    if (kind !== 'chat') {
      const key = `seq ${seq}`;
      const isFirst = this.#begin(at, key, NOTICES);
      this.rows.push({ type: 'notice', key, seq, kind, userId, about, text, isFirst });
      return;
    }
    const isOwn = userId === this.me;
    this.chat({
      // One's own keep their place in the page when they turn from sending to sent.
      key: isOwn && entry.cid ? `cid ${entry.cid}` : `seq ${seq}`,
      seq,
      cid: entry.cid ?? '',
      userId,
      text,
      replyTo: entry.reply_to ?? 0,
      at,
      isOwn,
      state: 'sent',
      failed: pending?.failed?.code,
      isKept: true,
      change: pending?.failed ? 'failed' : isChanging(pending) ? 'sending' : '',
      isEdited: entry.edited_at !== undefined && !entry.deleted,
      isDeleted: entry.deleted ?? false,
      deletedBy: entry.deleted_by ?? '',
      reactions: reactionsOf(entry),
    });
  }

  chat(row: Omit<ChatRow, 'type' | 'isFirst'>): void {
    const isFirst = this.#begin(row.at, row.key, `${row.userId} ${minute(row.at)}`);
    this.rows.push({ ...row, type: 'chat', isFirst });
  }

  /** Whether a group begins here; before it a day, if that does. */
  #begin(at: number, key: string, group: string): boolean {
    const { context } = this;
    const day = dayOf(at);
    this.context = { day, group };
    if (day !== context.day) this.rows.push({ type: 'day', key: `day ${key}`, at });
    return day !== context.day || group !== context.group;
  }
}

const NOTICES = 'notices';

function holdsAny(pending: ReadonlyMap<number, Pending>, first: number, count: number): boolean {
  for (const seq of pending.keys()) if (seq >= first && seq < first + count) return true;
  return false;
}

function isSame(
  { entries, before }: Block,
  now: readonly Entry[],
  at: number,
  end: number,
  context: Context,
): boolean {
  if (entries.length !== end - at) return false;
  if (before.day !== context.day || before.group !== context.group) return false;
  for (let i = 0; i < entries.length; i++) if (entries[i] !== now[at + i]) return false;
  return true;
}

/** Whether the chat in this place ends a group: it shows the time. */
export function endsGroup(rows: readonly Row[], index: number): boolean {
  const next = rows[index + 1];
  return next?.type !== 'chat' || next.isFirst;
}

/** Where the first row is that stands at `seq` or after it; -1: nowhere. */
export function rowAt(rows: readonly Row[], seq: number): number {
  return rows.findIndex((row) => 'seq' in row && row.seq !== undefined && row.seq >= seq);
}

/** A line before the first chat of others after `seq`; none if there is no such chat. */
export function withDivider(rows: Row[], seq: number): Row[] {
  const index = rows.findIndex((row) => {
    return row.type === 'chat' && !row.isOwn && row.seq !== undefined && row.seq > seq;
  });
  if (index < 0) return rows;
  // Under the line one sees who it is.
  const first: Row = { ...(rows[index] as ChatRow), isFirst: true };
  return [...rows.slice(0, index), DIVIDER, first, ...rows.slice(index + 1)];
}

/** Chats of blocked people as one line, but for those that one has asked to see. */
export function withHidden(
  rows: Row[],
  isBlocked: (userId: string) => boolean,
  opened: ReadonlySet<number>,
): Row[] {
  const shown: Row[] = [];
  for (const row of rows) {
    const isHidden = row.type === 'chat' && !row.isOwn && isBlocked(row.userId);
    if (!isHidden || row.seq === undefined || opened.has(row.seq)) {
      shown.push(row);
      continue;
    }
    const before = shown.at(-1);
    if (before?.type === 'hidden') {
      shown[shown.length - 1] = { ...before, seqs: [...before.seqs, row.seq] };
    } else {
      shown.push({ type: 'hidden', key: `hidden ${row.seq}`, seqs: [row.seq] });
    }
  }
  return shown;
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
